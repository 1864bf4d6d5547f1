/** Every bound of the history that is not a rule of the line format (those stand in `libs/protocol`). */

/** Turns of the event loop for which appends are gathered into one write and one fdatasync [H-10]. */
export const gatherTurnsMax = 64;

/** Turns in a row without an append that end the gathering before. */
export const gatherQuietTurns = 4;

/** Bytes of the largest chunk that a snapshot or a feed gives. */
export const readChunkBytesDefault = 64 * 1024;

/** Bytes of the file for which the index in memory holds one number: the count of line feeds before them. */
export const indexBlockBytesDefault = 16 * 1024;

/** Bytes that a rewrite copies at a time; appends get their turn between two pieces. It holds two of them. */
export const rewritePieceBytesDefault = 1024 * 1024;

/** Bytes after which a rewrite syncs what it copied, so that the syncs of appends never wait for more than these. */
export const rewriteSyncBytes = 16 * 1024 * 1024;

/**
 * How often a rewrite copies what was appended while it copied, before it copies the rest in one turn. Each round has
 * less to copy than the one before, unless appends come faster than they can be copied.
 */
export const catchUpRoundsMax = 8;

/** Bytes read at a time while a file is opened and indexed; two of them are held. */
export const openPieceBytes = 1024 * 1024;

/** Bytes at the end of a file in which the last time is looked for when it is opened [H-2]. */
export const lastTimeBytes = 256 * 1024;

/** Bytes kept free for the line that says who deleted all, when the disk is full [H-15]; one page of most systems. */
export const reservedBytes = 4096;

/** How often the file is looked at again because another program wrote to it during the look before [H-8]. */
export const foreignRoundsMax = 16;

/** Milliseconds that an editor which saves in place is given to finish before the file is looked at again. */
export const editPauseMs = 20;

/** Milliseconds between two looks, while nobody asks for anything, at files that another program may have changed. */
export const fileLookMs = 1000;

/** Bytes that no line of ours exceeds: a message of 2,048 bytes, each escaped to six, with its time and address. */
export const ownLineBytesMax = 64 * 1024;

/** Bytes of a line that are read to know its head: more than the 64 characters that `timestampOf` keeps can take. */
export const headBytes = 512;

/** Milliseconds for which a second process waits to learn by whom a history is owned; it is refused in any case. */
export const ownerNameWaitMs = 500;

/** Milliseconds until it looks again whether the owner has written its number. */
export const ownerPollMs = 10;

/** Milliseconds by which the two clocks of the system may differ before the wall clock counts as having been set. */
export const driftMsMax = 2;

/** Permissions of a history that did not exist. */
export const fileModeDefault = 0o644;

/** Users that a store holds [U-2]. */
export const usersMax = 10_000;

/** Bytes of a file of users that is read at all: what `usersMax` of the longest rows take, and comments. */
export const usersFileBytesMax = 8 * 1024 * 1024;

/** Milliseconds for which what is known of the users is believed before the file is looked at again [U-3]. */
export const usersBelievedMs = 100;

/** Milliseconds for which a change of the users waits for one that another process is making [U-3]. */
export const usersLockWaitMs = 5000;

/** Milliseconds until it tries again. */
export const usersLockPollMs = 10;

/** Permissions of a file of users [U-1]. */
export const usersFileMode = 0o600;
