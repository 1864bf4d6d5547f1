/**
 * `npm run package`: writes `dist/wirebook-VERSION.tgz`, or into the folder that is named, which `npm install -g` turns into the command `wirebook`.
 *
 * The package has the folders of the checkout: the built page, and of apps and libs what runs. Node strips no types from what
 * is under node_modules, so it is done here, and each line stays where it was. The workspace's libraries are inside, and
 * imported by their paths. Of package.json there is one, with the version and the packages that run needs.
 */

import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages, node, root, run, say } from "./installed.mjs";

const staging = join(root, ".wirebook", "package");
const readJson = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

installPackages();
// The Node that npm found before it installed another one may be too old.
if (nodeModule.stripTypeScriptTypes === undefined) run(node, [fileURLToPath(import.meta.url)]);
else makePackage();

function makePackage() {
  process.removeAllListeners("warning"); // That Node may change how it strips types concerns whoever changes Node here.
  rmSync(staging, { recursive: true, force: true });
  const parts = globSync("{apps,libs}/*/package.json", { cwd: root }).map((path) => path.replaceAll("\\", "/"));
  const manifests = new Map(parts.map((path) => [posix.dirname(path), readJson(path)]));
  const running = [...manifests].filter(([folder]) => folder !== "apps/web");
  for (const [folder] of running) {
    for (const name of globSync("{bin,src}/**/*.{mjs,ts}", { cwd: join(root, folder) })) {
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      put(path.replace(/\.ts$/, ".js"), toJavaScript(path, manifests));
    }
  }
  const page = join(staging, "apps", "web", "dist");
  run("npm", ["run", "--silent", "build", "-w", "@wirebook/web", "--", "--outDir", page, "--emptyOutDir"]);
  // It has the command as it is typed in a checkout.
  for (const name of globSync("**/*.{html,js}", { cwd: page })) {
    const text = readFileSync(join(page, name), "utf8");
    writeFileSync(join(page, name), text.replaceAll("npx wirebook", "wirebook"));
  }
  for (const name of ["LICENSE", "README.md"]) put(name, readFileSync(join(root, name)));
  const manifest = describe(running.map(([, each]) => each));
  put("package.json", `${JSON.stringify(manifest, undefined, 2)}\n`);

  const folder = resolve(root, process.argv[2] ?? "dist");
  mkdirSync(folder, { recursive: true });
  run("npm", ["pack", staging, "--silent", "--pack-destination", folder]);
  say(
    `install it: npm install -g ${process.argv[2] === undefined ? "./dist" : folder}/wirebook-${manifest.version}.tgz`,
  );
}

/** What npm reads of the package. */
function describe(manifests) {
  const { version, description, keywords, license, repository } = readJson("package.json");
  const gather = (kind) => {
    const all = manifests.flatMap((each) => Object.entries(each[kind] ?? {}));
    return Object.fromEntries(all.filter(([name]) => !name.startsWith("@wirebook/")).toSorted());
  };
  const optional = gather("optionalDependencies");
  return {
    name: "wirebook",
    version,
    description,
    keywords,
    license,
    repository,
    // Not for the public registry, where the name is not ours.
    private: true,
    type: "module",
    engines: { node: ">=24.12" },
    bin: { wirebook: "apps/wirebook/bin/wirebook.mjs" },
    dependencies: gather("dependencies"),
    // npm installs these only for those who ask: as optionalDependencies they came with every global installation.
    peerDependencies: optional,
    peerDependenciesMeta: Object.fromEntries(Object.keys(optional).map((name) => [name, { optional: true }])),
  };
}

/** A module without its types, whose imports lead to files of the package. */
function toJavaScript(path, manifests) {
  const text = readFileSync(join(root, path), "utf8");
  const script = path.endsWith(".ts") ? nodeModule.stripTypeScriptTypes(text) : text;
  return script.replaceAll(/((?:\bfrom|\bimport)\s*\(?\s*)"([^"]+)"/g, (all, before, specifier) => {
    const file = specifier.startsWith("@wirebook/") ? findExport(specifier, path, manifests) : specifier;
    return file.startsWith(".") ? `${before}"${file.replace(/\.ts$/, ".js")}"` : all;
  });
}

/** The path of what a library exports under that name, from a file of another part. */
function findExport(specifier, path, manifests) {
  const [, name, rest = ""] = /^(@wirebook\/[^/]+)(\/.*)?$/.exec(specifier) ?? [];
  const [folder, { exports }] = [...manifests].find(([, each]) => each.name === name);
  const file = posix.relative(posix.dirname(path), posix.join(folder, exports[`.${rest}`]));
  return file.startsWith(".") ? file : `./${file}`;
}

function put(path, content) {
  mkdirSync(dirname(join(staging, path)), { recursive: true });
  writeFileSync(join(staging, path), content);
}
