import { HistoryError } from "@wirebook/history";

/** Copies of each message in the cluster, when as many servers are named. */
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

const form =
  /^(?<scheme>nats|tls):\/\/(?:(?<userinfo>[^@/]*)@)?(?<hosts>[^/?]+)(?:\/(?<name>[^?/]*))?(?:\?(?<query>.*))?$/u;
const hostForm = /^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?$/u;

/** True when this is such an address and not the path of a file. */
export function isNatsAddress(text: string): boolean {
  return /^(?:nats|tls):\/\//u.test(text);
}

/** The address as it may be shown: without a user and a password. @throws HistoryError `storage-failed` */
export function describeNatsAddress(text: string): string {
  return decodeNatsAddress(text).shown;
}

/** True when the address has a password in it, or a token: that is a user without one, unless a file has it. Also of one that is wrong. */
export function hasNatsSecret(text: string, hasPasswordFile: boolean): boolean {
  const userinfo = isNatsAddress(text) ? /\/\/(?<userinfo>[^@]*)@/.exec(text)?.groups?.userinfo : undefined;
  return userinfo !== undefined && (userinfo.includes(":") || !hasPasswordFile);
}

/** @throws HistoryError `storage-failed` with a sentence that repeats no password */
export function decodeNatsAddress(text: string): NatsAddress {
  const groups = form.exec(text.replaceAll(/,(?:nats|tls):\/\//g, ","))?.groups;
  if (groups?.userinfo === undefined && text.includes("@")) {
    throw refuse("in the user or the password a slash must be written as %2F");
  }
  if (groups === undefined) throw refuse("it must read nats://HOST:PORT,HOST:PORT,HOST:PORT/NAME");
  const hosts = (groups.hosts ?? "").split(",").map((host) => hostOf(host, groups.userinfo));
  const history = groups.name === undefined || groups.name === "" ? "wirebook" : groups.name;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(history)) {
    throw refuse(`the name ${JSON.stringify(history)} must be 1 to 64 letters, digits, hyphens and underscores`);
  }
  const [user, ...rest] = (groups.userinfo ?? "").split(":");
  return {
    servers: hosts,
    shown: `${groups.scheme}://${hosts.join(",")}/${history}`,
    history,
    replicas: replicasOf(groups.query, hosts.length),
    isTls: groups.scheme === "tls",
    user: user === undefined || user === "" ? undefined : decodePart(user),
    password: rest.length === 0 ? undefined : decodePart(rest.join(":")),
  };
}

/** A host without the user before it. No sentence repeats what may be a password. */
function hostOf(text: string, userinfo: string | undefined): string {
  const [host = "", other] = text.split("@", 2).toReversed();
  if (other !== undefined && other !== userinfo) {
    throw refuse("another user or password stands before a later host; write it once, before the first, with @ as %40");
  }
  if (!hostForm.test(host)) throw refuse(`${JSON.stringify(host)} is no HOST or HOST:PORT`);
  return host;
}

function replicasOf(query: string | undefined, hosts: number): number {
  const parameters = new URLSearchParams(query ?? "");
  for (const name of parameters.keys()) if (name !== "replicas") throw refuse(`it knows no ${JSON.stringify(name)}`);
  const text = parameters.get("replicas");
  if (text === null) return hosts >= replicasDefault ? replicasDefault : 1;
  if (!/^[135]$/.test(text)) throw refuse(`replicas=${text} must be 1, 3 or 5`);
  return Number(text);
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse("in the user or the password a percent sign must be written as %25");
  }
}

function refuse(why: string): HistoryError {
  return new HistoryError("storage-failed", `the address of the history on NATS cannot be used: ${why}`);
}
