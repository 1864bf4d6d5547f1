import { afterAll } from "vitest";
import { openFileHistory } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import { historySuite } from "./suite.ts";

const folder = await createFolder();
afterAll(() => folder[Symbol.asyncDispose]());

historySuite("file", (place) => openFileHistory(folder.file(place)));
