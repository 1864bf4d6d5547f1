/** Before `npm start`: installs and builds what is missing. */

import { buildPage, installPackages } from "./installed.mjs";

installPackages();
buildPage();
