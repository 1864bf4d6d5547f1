import { readFile } from "node:fs/promises";
import { startGateway } from "../../test-support/programs.ts";
import type { Wirebook } from "./wirebook.ts";
import { expect, test as base } from "./wirebook.ts";

/** Besides Wirebook there is a target at which nothing listens: what one tried with it is kept nowhere else. */
const test = base.extend({
  gateway: async ({ server }, use) => {
    await using gateway = await startGateway({
      server: server.address,
      options: ["--target", "dead=tcp://127.0.0.1:1"],
    });
    await use(gateway);
  },
});

/** Opens a question, cancels it, opens it again and goes on. */
async function answer({ page }: Wirebook, action: string, open: () => Promise<void>): Promise<void> {
  const question = page.getByRole("dialog", { name: action });
  for (const button of ["Cancel", action]) {
    await open();
    await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
    await question.getByRole("button", { name: button, exact: true }).click();
    await expect(question).toHaveCount(0);
  }
}

test("each question does what its button says", async ({ wirebook, server }) => {
  const { page, commandLine, conversation } = wirebook;
  const identity = commandLine.getByRole("group", { name: "Identity" });
  await commandLine.getByRole("button", { name: "Identity" }).click();
  await wirebook.send(4, { NAME: "ada" });
  await expect(identity).toContainText("This browser has a key for ada.");

  await answer(wirebook, "Delete all lines", () => wirebook.send(3));
  await expect(conversation.getByRole("article", { name: /^ada~\*+ 3$/ })).toContainText("Deleted all.");
  await expect.poll(() => readFile(server.historyPath, "utf8")).not.toContain("brick");

  await answer(wirebook, "Forget key", () => identity.getByRole("button", { name: "Forget key" }).click());
  await expect(identity).toContainText("This browser has no key for ada.");

  await page.getByRole("tab", { name: "Fault lab" }).click();
  const lab = page.getByRole("form", { name: "Fault lab" });
  await lab.getByLabel("Message").fill("brick 3");
  await answer(wirebook, "Send anyway", () => lab.getByRole("button", { name: "Run", exact: true }).click());
  await expect(wirebook.rows("brick deleted all")).toHaveCount(1);

  await commandLine.getByRole("combobox", { name: "Target" }).selectOption("dead");
  await commandLine.getByRole("button", { name: "Connect" }).click();
  await expect(wirebook.card("dead #1")).toContainText("failed");
  await answer(wirebook, "Clear all", async () => {
    await conversation.getByRole("button", { name: "Clear", exact: true }).click();
  });
  await expect(conversation.getByRole("article")).toHaveCount(0);
});
