/** Every bound of what is exported and loaded again. */

/**
 * Payload bytes of one synthesised segment: the most that fits an IPv4 packet of 65,535 bytes behind two headers. It is
 * what Linux uses on loopback, and lets nearly every chunk stay one packet.
 */
export const segmentBytesMax = 65_495;

/** Bytes of a session's file that are read. */
export const sessionBytesMax = 256 * 1024 * 1024;

/** Bytes of one line of it, which is one exchange with all its bytes in base64. */
export const recordBytesMax = 64 * 1024 * 1024;

/** Exchanges of one session that are read. */
export const recordsMax = 5000;

/** Broken lines of a session that get a sentence of their own; further ones are counted. */
export const problemsMax = 20;

/** UTF-8 bytes of a comment in a pcapng file, whose length has 16 bits. */
export const commentBytesMax = 65_535;
