import type { Page } from "@playwright/test";
import { expect, test } from "./wirebook.ts";

/** Animations that run, of whatever element, and elements that would scroll smoothly. */
function motions(page: Page): Promise<{ readonly running: number; readonly smooth: number }> {
  return page.evaluate(() => ({
    running: document.getAnimations().filter(({ playState }) => playState === "running").length,
    smooth: [...document.querySelectorAll("*")].filter((each) => getComputedStyle(each).scrollBehavior !== "auto")
      .length,
  }));
}

test("nothing moves by itself", async ({ page, wirebook }) => {
  await page.emulateMedia({ reducedMotion: "no-preference" });
  await wirebook.send(5, { FROM: "-1" });
  await expect(wirebook.card("brick 5 -1")).toContainText("receiving");
  expect(await motions(page)).toEqual({ running: 0, smooth: 0 });
  await wirebook.inspector.getByRole("tab", { name: "Fault lab" }).click();
  await expect(page.getByRole("form", { name: "Fault lab" })).toBeVisible();
  await page.getByRole("banner").getByRole("button", { name: "Settings" }).click();
  await expect(page.getByRole("dialog", { name: "Settings" })).toBeVisible();
  expect(await motions(page)).toEqual({ running: 0, smooth: 0 });
});
