import { expect, test } from "./wirebook.ts";

test("the wire shows the steps, the true boundaries and the bytes of an exchange", async ({ wirebook }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const { wire } = wirebook;
  const steps = wire.getByRole("table", { name: "Steps" });
  for (const step of ["frame received", "connection established", "FIN"]) await expect(steps).toContainText(step);
  await expect(wire).toContainText(/may be off by ± \d/);

  // What is on TCP: the line of eleven bytes that the gateway made of the first frame.
  await wire.getByRole("group", { name: "Frames" }).getByRole("button").first().click();
  await expect(wire.getByRole("group", { name: "Bytes of frame 1" })).toContainText("request");
  await expect(wire).toContainText("11 bytes, as the gateway wrote them");
  await expect(wire.getByRole("group", { name: "Bytes of the message" })).toContainText("brick 2");
});
