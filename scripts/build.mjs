/** `npm run build`: builds the page unless it is built from these very sources. */

import { buildPage } from "./installed.mjs";

buildPage();
