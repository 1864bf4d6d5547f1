import {
  ProtocolError,
  decodeCommand,
  decodeMessage,
  decodeText,
  redactKeys,
  messageBytesMax,
} from "@wirebook/protocol";
import type { Command, Message } from "@wirebook/protocol";

/** A message as it is about to be sent. Nothing is corrected: a wrong one may be tried, to see what the server says. */
export interface Outgoing {
  /** With the line feed that ends it [W-2]. */
  readonly bytes: Uint8Array;
  /** As text, and with a key left out, so that it can stand in a log or on a shared screen. */
  readonly shown: string;
  /** True when the reply may fall silent for as long as it likes. */
  readonly isFollow: boolean;
  /** True for a user and nothing else: the reply's header has the list of operations, which is what was asked for. */
  readonly isBare: boolean;
}

/**
 * Makes a message of one line.
 *
 * @param line without its line ending
 * @throws ProtocolError `message-too-long`, or `argument-syntax` when there is a line feed in it
 */
export function createMessage(line: Uint8Array): Outgoing {
  if (line.length > messageBytesMax) throw messageTooLong(line.length);
  if (line.includes(0x0a)) {
    throw new ProtocolError("argument-syntax", "a message is one line; leave out the line feed, or send two messages");
  }
  const message = read(() => decodeMessage(line));
  const command: Command | undefined = message && read(() => decodeCommand(message.words));
  return {
    bytes: Buffer.concat([line, Buffer.from("\n")]),
    shown: redactKeys(decodeText(line)),
    isFollow: command?.verb === "follow",
    isBare: command?.verb === "list",
  };
}

/** The error of a line of that many bytes. */
export function messageTooLong(bytes: number): ProtocolError {
  return new ProtocolError(
    "message-too-long",
    `a message of ${bytes} bytes is over the limit of ${messageBytesMax}; send a shorter line`,
  );
}

/** What the text means, or nothing when it is for the server to find fault with it. */
function read<Value extends Message | Command>(decode: () => Value): Value | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
