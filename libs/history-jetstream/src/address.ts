import { HistoryError } from "@wirebook/history";

/** Copies of each message, when as many servers are named. */
const replicasDefault = 3;

/**
 * Where a history on NATS is, from `nats://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…][/NAME][?replicas=N]`. Each host may
 * have the scheme and the user before it, as NATS itself writes lists of servers.
 */
export interface NatsAddress {
  readonly servers: readonly string[];
  /** Without the secret, for people. */
  readonly shown: string;
  readonly history: string;
  readonly replicas: number;
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const host = String.raw`(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?`;
const form = new RegExp(
  String.raw`^(?<scheme>nats|tls)://(?<hosts>${host}(?:,${host})*)(?:/(?<name>[\w-]{1,64})?)?(?:\?replicas=(?<replicas>[135]))?$`,
);
const userinfoForm = /^\w+:\/\/(?<userinfo>[^@/]*)@/;

export const isNatsAddress = (text: string): boolean => /^(?:nats|tls):\/\//.test(text);

/** The address as it may be shown: without a user and a password. @throws HistoryError `storage-failed` */
export const describeNatsAddress = (text: string): string => decodeNatsAddress(text).shown;

/** True when the address has a password in it, or a token: that is a user without one, unless a file has it. Also of one that is wrong. */
export function hasNatsSecret(text: string, hasPasswordFile: boolean): boolean {
  const userinfo = isNatsAddress(text) ? /\/\/(?<userinfo>[^@]*)@/.exec(text)?.groups?.userinfo : undefined;
  return userinfo !== undefined && (userinfo.includes(":") || !hasPasswordFile);
}

/** @throws HistoryError `storage-failed` with a sentence that repeats nothing, since any part may be a password */
export function decodeNatsAddress(text: string): NatsAddress {
  const list = text.replaceAll(/,(?:nats|tls):\/\//g, ",");
  const userinfo = userinfoForm.exec(list)?.groups?.userinfo;
  const groups = form.exec(userinfo === undefined ? list : list.replaceAll(`${userinfo}@`, ""))?.groups;
  const [user, ...password] = (userinfo ?? "").split(":");
  try {
    if (groups === undefined) throw new URIError();
    const { scheme, hosts = "", name: history = "wirebook", replicas } = groups;
    const servers = hosts.split(",");
    return {
      servers,
      shown: `${scheme}://${servers.join(",")}/${history}`,
      history,
      replicas: Number(replicas ?? (servers.length >= replicasDefault ? replicasDefault : 1)),
      isTls: scheme === "tls",
      user: user ? decodeURIComponent(user) : undefined,
      password: password.length === 0 ? undefined : decodeURIComponent(password.join(":")),
    };
  } catch {
    const wanted = "nats://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…][/NAME][?replicas=1|3|5]";
    const rules =
      "NAME has 1 to 64 letters, digits, hyphens and underscores; write %2F, %40 and %25 for / @ % in a password";
    throw new HistoryError(
      "storage-failed",
      `the address of the history on NATS cannot be used: it must read ${wanted}; ${rules}`,
    );
  }
}
