/**
 * The mutants: programs that are broken on purpose, so that a fault test proves that it would notice.
 *
 * A mutant is the program with a piece of its source replaced while Node loads it (`framework/apply-mutant.ts`). So the
 * product has no switch that turns a promise off. `test/mutants.test.ts` holds every entry against the source. When the
 * source changes, the entry changes with it.
 */

/** A replacement in one source file. */
export interface Edit {
  /** Relative to the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A broken program. */
export interface Mutant extends Edit {
  /** The broken program, as it stands in the report: `a history that does not sync appends`. */
  readonly what: string;
  /** Further replacements that it takes. */
  readonly also?: readonly Edit[];
}

export type MutantName = keyof typeof table;

/** In the order of the files that they change. */
const table = {
  // apps/gateway
  "unlimited-fragments": {
    what: "a gateway that joins any number of fragments (CVE-2022-39386)",
    file: "apps/gateway/src/websocket/upgrade.ts",
    find: "maxFragments: limits.fragmentsMax",
    replace: "maxFragments: 1e9",
  },
  "listen-no-half-open": {
    what: "a gateway whose listening ports close a connection with the client's FIN",
    file: "apps/gateway/src/flows/listening-port.ts",
    find: "allowHalfOpen: true",
    replace: "allowHalfOpen: false",
  },
  "target-not-reset": {
    what: "a gateway that keeps the target's connection when the client resets its own",
    file: "apps/gateway/src/flows/flow.ts",
    find: "if (hasReset) abort(this.#transport, this.#target);",
    replace: "if (hasReset) return;",
  },
  "any-host": {
    what: "a gateway that accepts any Host (DNS rebinding)",
    file: "apps/gateway/src/http/access-control.ts",
    find: "this.isOwn(host) || this.#namedHosts",
    replace: "true || this.#namedHosts",
  },
  "any-origin": {
    what: "a gateway that accepts any Origin",
    file: "apps/gateway/src/http/access-control.ts",
    find: "this.#namedOrigins.has(origin) || (",
    replace: "true || (",
  },
  "forms-of-any-origin": {
    what: "a gateway that takes a form from any website",
    file: "apps/gateway/src/http/access-control.ts",
    find: 'method === "POST" && headers.origin !== undefined',
    replace: "method === undefined",
  },
  "talking-viewers": {
    what: "a gateway on which a viewer may use the targets",
    file: "apps/gateway/src/auth/identity.ts",
    find: 'return role !== "viewer";',
    replace: "return role !== undefined;",
  },
  "unasked-lessons": {
    what: "a gateway that has the services of the lessons without --lessons",
    file: "apps/gateway/src/app.ts",
    find: "config.lessons",
    replace: "true",
  },
  "lessons-for-relays": {
    what: "a gateway whose relay knows the services of the lessons",
    file: "apps/gateway/src/app.ts",
    find: "config.relay ? targets : new Map()",
    replace: "new Map([...targets, ...new Lessons(true, limits).targets])",
  },
  "lasting-lessons": {
    what: "a gateway whose lessons go on listening",
    file: "apps/gateway/src/lessons/lessons.ts",
    find: "server.close();",
    replace: "",
  },
  "talking-guests": {
    what: "a gateway on which a guest may send any frame",
    file: "apps/gateway/src/websocket/page-connection.ts",
    find: 'return frame.type === "clock" || (frame.type === "watch" && frame.presentation !== undefined);',
    replace: "return frame.type !== undefined;",
  },
  "any-presenter": {
    what: "a gateway on which viewers may present",
    file: "apps/gateway/src/flows/page-flows.ts",
    find: "if (!mayUseTargets(identity.role)) throw",
    replace: "if (identity.role === undefined) throw",
  },
  "dropped-fin": {
    what: "a listening port that drops the client's FIN",
    file: "apps/gateway/src/flows/flow-direction.ts",
    find: "else this.#sendFin();",
    replace: "else if (this.#isFromTarget) this.#sendFin();",
  },
  "dropped-behind-backpressure": {
    what: "a listening port that drops what it reads first when backpressure ends",
    file: "apps/gateway/src/flows/flow-direction.ts",
    find: "if (!isFree) this.#source.pause();",
    replace:
      "if (!isFree) this.#sink.once('drain', () => (this.isLosing = true));\n    if (!isFree) this.#source.pause();",
    also: [
      {
        file: "apps/gateway/src/flows/flow-direction.ts",
        find: "const isFree = this.#sink.write(bytes);\n    const isWaiting",
        replace:
          "const isFree = this.isLosing === true || this.#sink.write(bytes);\n    this.isLosing = false;\n    const isWaiting",
      },
    ],
  },
  "kept-flow-reads": {
    what: "a listening port that keeps every read",
    file: "apps/gateway/src/flows/flow-direction.ts",
    find: "if (this.#isHeld) return this.#hold(bytes, atMs);",
    replace: "(this.kept ??= []).push(Buffer.from(bytes));\n    if (this.#isHeld) return this.#hold(bytes, atMs);",
  },
  "unmasked-flows": {
    what: "a gateway that shows the keys of flows",
    file: "apps/gateway/src/flows/frame-log.ts",
    find: "this.#mask?.push(isFromTarget, bytes) ?? bytes",
    replace: "bytes",
  },
  "flows-cut-at-signal": {
    what: "a gateway that breaks off what passes through its ports as soon as it gets a signal",
    file: "apps/gateway/src/flows/listening-port.ts",
    find: "}, this.shared.limits.drainMs);",
    replace: "}, 0);",
  },
  "ignored-target-errors": {
    what: "a listening port whose connections to the target have no error listener",
    file: "apps/gateway/src/flows/flow.ts",
    find: 'this.#break(explain(error, port.target, { at: this.record.at, receivedBytes }), "target");',
    replace: "throw error;",
  },
  "no-flow-backpressure": {
    what: "a listening port that reads on whatever waits for the other end",
    file: "apps/gateway/src/flows/flow-direction.ts",
    find: "if (!isFree) this.#source.pause();",
    replace: "void isFree;",
  },
  "forgotten-gaps": {
    what: "a log that does not say what is missing",
    file: "apps/gateway/src/flows/frame-log.ts",
    find: "if (at >= from)",
    replace: "if (at < -1)",
  },
  "unsigned-cookies": {
    what: "a gateway that reads a cookie whatever its signature is",
    file: "apps/gateway/src/auth/sessions.ts",
    find: "const { valid, value } = this.#signer.unsign(cookie);",
    replace: 'const { valid, value } = { valid: true, value: cookie.split(".")[0] || null };',
  },
  "kept-logouts": {
    what: "a gateway that deletes a cookie at the logout and does not end its session",
    file: "apps/gateway/src/auth/passwords.ts",
    find: "    this.sessions.end(session);\n    this.#log",
    replace: "    this.#log",
  },
  "any-proxy": {
    what: "a gateway that believes the user's header of anybody",
    file: "apps/gateway/src/auth/authenticator.ts",
    find: "if (!this.#isTrusted(remoteAddress)) {",
    replace: "if (this.#isTrusted === undefined) {",
  },
  "unlimited-guesses": {
    what: "a gateway that checks every password at once",
    file: "apps/gateway/src/auth/passwords.ts",
    find: "if (!network.take()) return this.#limits.guessAddressRefillMs;",
    replace: "if (network !== undefined) return undefined;",
  },
  "locked-out-owners": {
    what: "a gateway on which guesses from anywhere use up the owner's attempts",
    file: "apps/gateway/src/auth/passwords.ts",
    find: "this.isHome(address, name) ? homeOf(address, name) : name",
    replace: "name",
  },
  "logged-names": {
    what: "a gateway that logs whatever was typed for a name",
    file: "apps/gateway/src/auth/passwords.ts",
    find: "const isKnown = this.users.hashOf(user) !== undefined;",
    replace: "const isKnown = true;",
  },
  "reversed-pending-bytes": {
    what: "a gateway that puts new bytes of a waiting stream before the older ones",
    file: "libs/net/src/connection.ts",
    find: "this.#held.push(bytes);",
    replace: "this.#held.splice(1, 0, bytes);",
  },
  "client-chosen-target": {
    what: "a gateway that connects to the address that a message names",
    file: "apps/gateway/src/streams/stream.ts",
    find: "this.connection.connect(this.#target);",
    replace: `const named = /(\\d+\\.\\d+\\.\\d+\\.\\d+):(\\d+)/.exec(this.request.shown);
    const elsewhere = named && { transport: "tcp", host: named[1], port: Number(named[2]) };
    this.connection.connect(named === null ? this.#target : { ...this.#target, address: elsewhere });`,
  },
  "kept-reads": {
    what: "a gateway that keeps every read of its streams",
    file: "apps/gateway/src/streams/stream.ts",
    find: "this.owner.onRead(this, bytes, atMs);",
    replace: "(this.kept ??= []).push(Buffer.from(bytes));\n    this.owner.onRead(this, bytes, atMs);",
  },
  "times-at-random": {
    what: "a gateway that gives each read a time of its own choice",
    file: "apps/gateway/src/websocket/page-connection.ts",
    find: 'this.#sendBytes("data", stream, true, bytes, atMs)',
    replace: 'this.#sendBytes("data", stream, true, bytes, atMs + 1000 * Math.random())',
  },
  "latin-relay": {
    what: "a relay that takes each message for Latin-1 text",
    file: "apps/gateway/src/websocket/relay-connection.ts",
    find: "this.#stream.write(data)",
    replace: 'this.#stream.write(Buffer.from(data.toString("latin1")))',
  },
  "no-heartbeat": {
    what: "a gateway that sends no heartbeat",
    file: "apps/gateway/src/websocket/connections.ts",
    find: "connection.beat()",
    replace: "connection",
  },
  "no-gateway-backpressure": {
    what: "a gateway that reads its servers however much waits for a page",
    file: "apps/gateway/src/websocket/send-queue.ts",
    find: "waiting > highWaterBytes",
    replace: "waiting > Infinity",
  },

  // apps/server
  "no-auth-delay": {
    what: "a server that answers every wrong key at once",
    file: "apps/server/src/auth/auth-throttle.ts",
    find: "return Math.min(limits.guessDelayMsMax,",
    replace: "return Math.min(0, limits.guessDelayMsMax,",
  },
  "any-key": {
    what: "a server that accepts any key of a registered user",
    file: "apps/server/src/auth/auth.ts",
    find: "|| !isRightKey(user, key, keyHash)",
    replace: "|| keyHash === isRightKey.name",
  },
  "no-roles": {
    what: "a registered server on which a member may do what an admin may",
    file: "apps/server/src/auth/auth.ts",
    find: 'if (operation === undefined || operation.role === "member" || role === "admin") return;',
    replace: "if (operation !== undefined || role !== undefined) return;",
  },
  "unredacted-keys": {
    what: "a server that writes and prints messages with their keys",
    file: "apps/server/src/auth/auth.ts",
    find: "return redactMessage(text);",
    replace: "return text || redactMessage(text);",
  },
  "logged-unauthenticated": {
    what: "a registered server that keeps the messages of unauthenticated users",
    file: "apps/server/src/auth/auth.ts",
    find: 'if (this.mode === "open" || principal !== undefined)',
    replace: "if (principal?.user !== text)",
  },
  "unlimited-connections": {
    what: "a server that accepts more connections than it has descriptors",
    file: "apps/server/src/main.ts",
    find: "limitsWithin(descriptorsMax())",
    replace: "limitsWithin(1_000_000)",
  },
  "exit-at-signal": {
    what: "a server that exits as soon as it gets a signal",
    file: "apps/server/src/main.ts",
    find: "  await server.stop(isSignal",
    replace: "  process.exit(0);\n  await server.stop(isSignal",
  },
  "sliding-deadline": {
    what: "a server whose deadline for a message starts again with every byte",
    file: "apps/server/src/connection.ts",
    find: "if (bytes.length === 0) return;",
    replace:
      "if (bytes.length === 0) return;\n    this.#messageDeadlineMs = performance.now() + this.#owner.limits.messageDeadlineMs;",
  },
  "no-server-backpressure": {
    what: "a server that writes a whole reply without waiting for the client",
    file: "apps/server/src/connection.ts",
    find: "return this.#socket.write(bytes) || this.#drained();",
    replace: "this.#socket.write(bytes); return true;",
  },
  "no-server-error-listener": {
    what: "a server whose sockets have no error listener",
    file: "apps/server/src/connection.ts",
    find: 'socket.on("error", ignore);',
    replace: "",
  },
  "wall-clock-deadlines": {
    what: "a server whose deadlines are times of day",
    file: "apps/server/src/server.ts",
    find: "const nowMs = performance.now();",
    replace: "this.wakeAt(performance.now() + 10);\n    const nowMs = Date.now() - performance.timeOrigin;",
  },
  "no-half-open": {
    what: "a server that closes a connection at the client's FIN",
    file: "apps/server/src/server.ts",
    find: "allowHalfOpen: true",
    replace: "allowHalfOpen: false",
  },
  "delayed-right-keys": {
    what: "a server on which right keys wait behind wrong ones from the same address",
    file: "apps/server/src/request/session.ts",
    find: "const response = carryOut(decoded, connection, context);",
    replace:
      "const response = context.throttle.delay(address, connection.closed).then(() => carryOut(decoded, connection, context));",
  },

  // libs/history
  "truncate-before-rename": {
    what: "a delete that empties the old file before it renames the new one",
    file: "libs/history/src/file/compaction.ts",
    find: "renameSync(reserve.path, path);",
    replace: "ftruncateSync(openSync(path, 'r+'), 0); renameSync(reserve.path, path);",
  },
  "no-sync": {
    what: "a history that does not sync appends",
    file: "libs/history/src/file/disk.ts",
    find: "    sync(fd);",
    replace: "    if (sync !== fdatasyncSync) sync(fd);",
  },
  "retried-sync": {
    what: "a history that syncs again after a failed sync",
    file: "libs/history/src/file/disk.ts",
    find: "    sync(fd);",
    replace: "    try { sync(fd); } catch { sync(fd); }",
  },
  "early-acknowledgement": {
    what: "a history that acknowledges an append 10 ms before it writes it",
    file: "libs/history/src/file/file-history.ts",
    find: "return this.#appends.add((time) => encodeRequestEntry(time, address, message, isCut));",
    replace: `setTimeout(() => {
        void this.#appends.add((time) => encodeRequestEntry(time, address, message, isCut)).catch(() => {});
      }, 10);
      return Promise.resolve({ position: 0, time: "" });`,
  },
  "read-whole-file": {
    what: "a history that reads its whole file into memory to open it",
    file: "libs/history/src/file/line-index.ts",
    find: "new Uint8Array(Math.min(pieceBytesMax, to - this.bytes))",
    replace: "new Uint8Array(Math.max(pieceBytesMax, to - this.bytes))",
  },
  "ignored-lock": {
    what: "a history that ignores whether it got its lock",
    file: "libs/history/src/file/lock.ts",
    find: "isLocked = await lock(fd, waitMs);",
    replace: "isLocked = (await lock(fd, waitMs)) || true;",
  },
  "accepted-partial-line": {
    what: "a history that takes every last line for a whole one",
    file: "libs/history/src/file/open.ts",
    find: 'classifyTail(partial) === "whole"',
    replace: 'classifyTail(partial) !== "?"',
  },
  "clock-as-it-is": {
    what: "a history that gives each line the time that the clock shows",
    file: "libs/history/src/file/monotonic-clock.ts",
    find: "Math.max(now < timeEnd ? now : 0, this.#last + 1)",
    replace: "now",
  },
  "no-rescue": {
    what: "a server that keeps no lines of a file that was removed",
    file: "libs/history/src/file/rotation.ts",
    find: "const copy = copyBeside(path, fd);",
    replace: "const copy = path + String(copyBeside).length;",
  },
  "unsaid-rotation": {
    what: "a server that goes on in a new file and leaves no line that says so",
    file: "libs/history/src/file/storage.ts",
    find: "if (lines > 0) this.append(",
    replace: "if (lines < 0) this.append(",
  },
  "unnoticed-rotation": {
    what: "a server that does not look whether the name still leads to its file",
    file: "libs/history/src/file/storage.ts",
    find: "const found = this.generation.isAt(named) ? named : this.#rotate();",
    replace: "const found = this.generation.isAt(named) ? named : fstatSync(this.generation.fd);",
  },
  "copied-archive": {
    what: "a server that archives lines and keeps them in the history as well",
    file: "libs/history/src/file/deletes.ts",
    find: "{ start: 0, end, result:",
    replace: "{ start: end, end, result:",
  },
  "removed-archive": {
    what: "a server that archives lines and then removes the archive",
    file: "libs/history/src/file/deletes.ts",
    find: "syncFolderOf(path);\n  } catch",
    replace: "rmSync(path);\n  } catch",
  },
  "size-only-check": {
    what: "a server that compares only the size of the file",
    file: "libs/history/src/file/storage.ts",
    find: "return found.size === this.generation.bytes && isUnchanged(found, this.#left);",
    replace: "return found.size === this.generation.bytes;",
  },
  "kept-partial-write": {
    what: "a history that keeps what a full disk took of a write",
    file: "libs/history/src/file/storage.ts",
    find: "if (isFull(error)) this.#undo(position);",
    replace: "",
  },

  // libs/history-jetstream
  "unconditional-deletes": {
    what: "a history on NATS whose deletes expect no last change",
    file: "libs/history-jetstream/src/history.ts",
    find: "const expect = { lastSubjectSequence: lastChange };",
    replace: "const expect = lastChange < 0 ? { lastSubjectSequence: 0 } : {};",
  },
  "early-cluster-acknowledgement": {
    what: "a history on NATS that acknowledges a line before the cluster has it",
    file: "libs/history-jetstream/src/history.ts",
    find: "const written = this.#publisher.publish(this.cluster.names.line, data, options);",
    replace:
      'void this.#publisher.publish(this.cluster.names.line, data, options).catch(() => {});\n    const written = Promise.resolve({ position: 0, time: "" });',
  },
  "client-managed-consumers": {
    what: "a history on NATS that leaves its consumers to the NATS client",
    file: "libs/history-jetstream/src/history.ts",
    find: "if (lost.has(type)) break;",
    replace: "if (lost.has(`${type}?`)) break;",
    also: [
      {
        file: "libs/history-jetstream/src/history.ts",
        find: "cluster.onReconnect(() => history.#renew());",
        replace: "cluster.onReconnect(() => {});",
      },
    ],
  },

  // libs/net
  "no-connection-error-listener": {
    what: "a connection to a target whose socket has no error listener",
    file: "libs/net/src/open-socket.ts",
    find: 'socket.on("error",',
    replace: 'socket.on("no such event",',
  },
  "no-half-close": {
    what: "a connection to a target that is closed where FIN should be sent",
    file: "libs/net/src/connection.ts",
    find: "socket.end((error?: Error | null) => {",
    replace: "this.cancel();\n    socket.end((error?: Error | null) => {",
  },
  "no-half-open-conversation": {
    what: "a gateway that ends a conversation with the target's FIN",
    file: "libs/net/src/connection.ts",
    find: "!this.#isConversation || schedule !== undefined",
    replace: "schedule !== Infinity",
  },

  // libs/protocol
  "unvalidated-frames": {
    what: "a gateway that takes any JSON for a frame",
    file: "libs/protocol/src/frames.ts",
    find: "const result = schema.safeParse(value);",
    replace: "const result = { success: true, data: value };",
  },
  "read-is-message": {
    what: "a server that takes one read for the whole message",
    file: "apps/server/src/connection.ts",
    find: "if (at < 0 && !isTooLong) return",
    replace: "if (at < -1 && !isTooLong) return",
  },
  "no-escaping": {
    what: "a history that quotes messages without escaping them",
    file: "libs/protocol/src/text.ts",
    find: "return JSON.stringify(text).replace(invisibleInJson, escapeUnits);",
    replace: 'return `"${text}"`;',
  },
} as const satisfies Readonly<Record<string, Mutant>>;

export const mutants: Readonly<Record<MutantName, Mutant>> = table;

/** All replacements of a mutant. */
export function editsOf(name: MutantName): readonly Edit[] {
  const mutant = mutants[name];
  return [mutant, ...(mutant.also ?? [])];
}

/** A source with replacements made. @throws Error when it does not have the text of each exactly once */
export function mutate(source: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { file, find, replace }) => {
    if (text.split(find).length !== 2) throw new Error(`${file} must have ${JSON.stringify(find)} exactly once`);
    return text.replace(find, () => replace);
  }, source);
}
