import type { Message } from "@wirebook/protocol";

/** Somebody who may speak. */
export interface Speaker {
  /** The name, never a key. */
  readonly user: string;
}

/** Decides who speaks, from the name and the key of a message; `undefined` is nobody known [W-13]. */
export type Identify = (message: Message) => Speaker | undefined;

/** The open mode: any plain name may speak. A key claims a registered name, and there are none. */
export const anyPlainName: Identify = ({ user, key }) => (key === undefined ? { user } : undefined);
