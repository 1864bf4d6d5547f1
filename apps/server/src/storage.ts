/** Where the history and its users are: in a file on this machine, or on a NATS cluster that several servers share. */

import { resolve } from "node:path";
import { openFileHistory, openFileUsers, type History, type Users } from "@wirebook/history";
import { describeNatsAddress, hasNatsSecret, isNatsAddress } from "@wirebook/history-jetstream/address";
import type { NatsCredentials } from "@wirebook/history-jetstream";
import { SettingsError, fileOption, valueOption, pathOrAddress, type SettingsOf } from "@wirebook/settings";

/** The options for every program that opens a history or its users. */
export const storageTable = {
  history: valueOption(
    {
      schema: pathOrAddress("nats", "tls"),
      form: "FILE",
      expects: "the path of a file, or nats://HOST:PORT,HOST:PORT,HOST:PORT/NAME",
    },
    "WIREBOOK_HISTORY",
    "history.txt",
    "file of the history, or nats://HOST,HOST,HOST/NAME for one that servers share",
  ),
  natsCredentials: fileOption("WIREBOOK_NATS_CREDENTIALS", ".creds file that authenticates this server to the cluster"),
  natsNkey: fileOption("WIREBOOK_NATS_NKEY", "file with the NKey seed that authenticates this server to the cluster"),
  natsPasswordFile: fileOption(
    "WIREBOOK_NATS_PASSWORD_FILE",
    "file with the password of the user in the address, or with a token if it names no user",
  ),
  natsTlsCa: fileOption("WIREBOOK_NATS_TLS_CA", "PEM file with the certificate authority of the cluster"),
  natsTlsCert: fileOption("WIREBOOK_NATS_TLS_CERT", "PEM file with this server's certificate for the cluster"),
  natsTlsKey: fileOption("WIREBOOK_NATS_TLS_KEY", "PEM file with the private key of that certificate"),
} as const;

export type StorageSettings = SettingsOf<typeof storageTable>;

/** Refuses an option that would have no effect. @throws SettingsError */
export function assertOptionsApply({ history }: StorageSettings, options: readonly string[]): void {
  const option = options.find((each) => each.startsWith("--nats-"));
  if (option === undefined || isNatsAddress(history)) return;
  throw new SettingsError(
    `${option} is for a history on NATS, and this one is a file; leave it out, or type --history nats://HOST,HOST,HOST/NAME`,
  );
}

type OnNotice = (sentence: string) => void;

/** The place of the history, for people: without a password. */
export function describeStorage({ history }: StorageSettings): string {
  return isNatsAddress(history) ? describeNatsAddress(history) : resolve(history);
}

/** @throws HistoryError as `openFileHistory` and `openJetStreamHistory` */
export async function openHistory(settings: StorageSettings, onNotice: OnNotice): Promise<History> {
  const { history } = settings;
  if (!isNatsAddress(history)) return openFileHistory(resolve(history), { onNotice });
  // The NATS client is loaded only where it is used.
  const { openJetStreamHistory } = await import("@wirebook/history-jetstream");
  return openJetStreamHistory(history, { ...credentialsOf(settings), onNotice });
}

/** @throws UsersError `users-failed` */
export async function openUsers(settings: StorageSettings, onNotice: OnNotice): Promise<Users> {
  const { history } = settings;
  if (!isNatsAddress(history)) return openFileUsers(resolve(history), { onNotice });
  const { openJetStreamUsers } = await import("@wirebook/history-jetstream");
  return openJetStreamUsers(history, credentialsOf(settings));
}

/** What is wrong with a password on the command line; `undefined` where there is none. */
export function warnOfSecret(
  { history, natsPasswordFile }: StorageSettings,
  argv: readonly string[],
): string | undefined {
  const isShown = argv.some((word) => word.endsWith(history)) && hasNatsSecret(history, natsPasswordFile !== undefined);
  return isShown
    ? "Every user of this machine can read the cluster's password on the command line: put the address into WIREBOOK_HISTORY, or the password into a file (--nats-password-file)."
    : undefined;
}

/** How this server proves to a cluster who it is. */
export function credentialsOf(settings: StorageSettings): NatsCredentials {
  const { natsCredentials: credentials, natsNkey: nkey, natsPasswordFile: passwordFile } = settings;
  const { natsTlsCa: tlsCa, natsTlsCert: tlsCert, natsTlsKey: tlsKey } = settings;
  return { credentials, nkey, passwordFile, tlsCa, tlsCert, tlsKey };
}
