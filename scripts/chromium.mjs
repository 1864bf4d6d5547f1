/** Where the end-to-end tests find a Chromium: the system's, or else the one that Playwright keeps for itself. */

import { existsSync } from "node:fs";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of the system's Chromium, or of the one that `WIREBOOK_CHROMIUM` names; `undefined` when there is none. */
export function findChromium() {
  const named = process.env.WIREBOOK_CHROMIUM;
  return named !== undefined && named !== "" ? named : places.find((place) => existsSync(place));
}
