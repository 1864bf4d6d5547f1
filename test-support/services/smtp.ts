import { openFolder, startPython } from "./debian.ts";

/** An SMTP server, which puts each message that it accepts into a maildir. */
export interface Smtp extends AsyncDisposable {
  readonly port: number;
  readonly maildir: string;
}

/** Starts Debian's aiosmtpd. */
export async function startSmtp(): Promise<Smtp> {
  await using made = new AsyncDisposableStack();
  const folder = made.use(await openFolder("smtp"));
  const maildir = `${folder.path}/mail`;
  const handler = ["-c", "aiosmtpd.handlers.Mailbox", maildir];
  const { port } = made.use(
    await startPython("aiosmtpd", (free) => ["--nosetuid", "--listen", `127.0.0.1:${free}`, ...handler]),
  );
  const held = made.move();
  return { port, maildir, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
