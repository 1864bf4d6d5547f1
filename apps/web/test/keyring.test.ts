import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Keyring } from "../src/conversation/identity.svelte.ts";
import { keysKept } from "../src/streams/keys.ts";

/** What a browser has: texts under names. */
let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, text: string) => void stored.set(name, text),
  });
});
afterEach(() => vi.unstubAllGlobals());

test("a name speaks with the key that is kept for it, also in a page that is opened later", () => {
  expect(new Keyring().keep("otter~s3cret")).toBe("otter");
  const later = new Keyring();
  expect([later.withKey("otter"), later.withKey("brick")]).toEqual(["otter~s3cret", "brick"]);
  later.forget("otter");
  expect(new Keyring().withKey("otter")).toBe("otter");
});

test("no other service gets a key", () => {
  const keyring = new Keyring();
  keyring.keep("otter~s3cret");
  keyring.isInUse = false;
  expect(keyring.withKey("otter")).toBe("otter");
});

test("keys that another tab keeps meanwhile are not lost", () => {
  const [one, other] = [new Keyring(), new Keyring()];
  one.keep("otter~a");
  other.keep("heron~b");
  const later = new Keyring();
  expect([later.withKey("otter"), later.withKey("heron")]).toEqual(["otter~a", "heron~b"]);
});

test("keeps as many keys as it may, and says which one it does not keep", () => {
  const keyring = new Keyring();
  for (let n = 1; n <= keysKept; n++) keyring.keep(`otter-${n}~k${n}`);
  expect([keyring.has(`otter-${keysKept}`), keyring.problem]).toEqual([true, ""]);
  keyring.keep("heron~k");
  expect(keyring.has("heron")).toBe(false);
  expect(keyring.problem).toContain(`The key of heron was not saved: this browser has ${keysKept} keys, the limit.`);
});

test("says so when the browser keeps nothing, and still speaks with the key", () => {
  vi.stubGlobal("localStorage", undefined);
  const keyring = new Keyring();
  keyring.keep("otter~s3cret");
  expect(keyring.withKey("otter")).toBe("otter~s3cret");
  expect(keyring.problem).toContain("This browser cannot save the key");
});

test.each(["", "{", '{"a":1}', "[1]", '[["a"]]'])("takes %j in the storage for no keys", (text) => {
  stored.set("wirebook.users", text);
  expect(new Keyring().has("a")).toBe(false);
});
