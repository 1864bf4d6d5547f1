import { beforeEach, describe, expect, test } from "vitest";
import { operations as specs } from "@wirebook/protocol";
import { Composer, Operations } from "../src/composer/composer.svelte.ts";
import { Keyring } from "../src/composer/keyring.svelte.ts";

describe("an operation that is chosen before the server has said what it offers", () => {
  const operations = new Operations();
  let composer: Composer;

  beforeEach(() => {
    operations.list = undefined;
    composer = new Composer(operations, new Keyring(), "brick");
    composer.operation = 2;
  });

  test("makes no message, least of all one without it", () => {
    expect(composer.draft.message).toBeUndefined();
    expect(composer.draft.problem).toBe(
      "the server has not announced operation 2 yet; choose none to list its operations",
    );
  });

  test("is kept until it is announced", () => {
    operations.list = specs;
    expect(composer.draft.message).toBe("brick 2\n");
    composer.values[0] = "-1";
    expect(composer.draft.message).toBe("brick 2 -1\n");
  });

  test("is refused when it is not", () => {
    operations.list = specs.filter(({ number }) => number !== 2);
    expect(composer.draft.problem).toBe("the server does not offer operation 2; choose another");
  });
});
