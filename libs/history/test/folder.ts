/** Temporary folders for tests. */

import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is removed with all it holds. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
  /** The path of a file in it. */
  file(name: string): string;
}

/** Makes an empty folder. */
export async function createFolder(): Promise<Folder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "wirebook-history-")));
  return {
    path,
    file: (name) => join(path, name),
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}
