import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { devNull } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { run } from "../run.ts";
import { openFolder, startService } from "./debian.ts";

/** A `git://` server of one repository, `sample.git`. */
export interface GitDaemon extends AsyncDisposable {
  readonly port: number;
  /** The name of the one commit. */
  readonly commit: string;
  /** What the file `data` has in it. */
  readonly data: Buffer;
}

/** @param dataBytes the size of the file in the repository; its content cannot be compressed */
export async function startGitDaemon(dataBytes = 1 << 20): Promise<GitDaemon> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("git"));
  const work = join(path, "work");
  const data = randomBytes(dataBytes);
  await mkdir(work);
  await writeFile(join(work, "data"), data);
  await git(work, "init", "--quiet", "--initial-branch=main");
  await git(work, "add", "data");
  await git(work, "commit", "--quiet", "--message=Sample");
  await git(work, "clone", "--quiet", "--bare", work, join(path, "sample.git"));
  const commit = await git(work, "rev-parse", "HEAD");
  // Not `git daemon`: that one has the daemon as a child.
  const program = join(await git(path, "--exec-path"), "git-daemon");
  const own = ["--listen=127.0.0.1", `--base-path=${path}`, "--export-all", "--reuseaddr"];
  const env = gitEnvironment();
  const daemon = await startService(program, (port) => [`--port=${port}`, ...own], { env, stopSignal: "SIGTERM" });
  made.use(daemon);
  const held = made.move();
  return { port: daemon.port, commit, data, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Runs git apart from the settings of the machine and its user; returns what it prints. */
export async function git(folder: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run("git", ["-C", folder, ...words], "", gitEnvironment());
  if (code !== 0) throw new Error(`git ${words.join(" ")} ended with ${code}: ${stderr}`);
  return stdout.trim();
}

function gitEnvironment(): NodeJS.ProcessEnv {
  const [name, email] = ["Sample", "sample@wirebook.example"];
  return {
    // Within a hook of git, some would lead to the repository of the checkout.
    ...Object.fromEntries(Object.entries(process.env).filter(([each]) => !each.startsWith("GIT_"))),
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_SYSTEM: devNull,
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}
