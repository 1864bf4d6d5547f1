/** npm's `postinstall`: whoever installs the packages by hand leaves the same stamp as `npm start` and `npm test`. */

import { stampPackages } from "./installed.mjs";

stampPackages();
