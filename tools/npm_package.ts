// Makes the package for npm: JavaScript in chunks that the rooms share, declarations, and the command.
//
// `deno bundle` makes the JavaScript, with the parts of @std inside: npm has no @std with types, and an installed package
// has no import map. `deno pack` makes the declarations, of the public names alone; the rest of its tarball is not used:
// it has each file of the checkout, in JavaScript that imports deno-std.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { readTar, writeTar } from "../src/tar/mod.ts";
import { npmSpecifier, rangeOf } from "./configs.ts";
import { publicNames } from "./public_names.ts";
import { withStage } from "./stage.ts";

const run = promisify(execFile);

/** The Node.js that the package needs: the first that has `process.getBuiltinModule`. */
const NODE = { major: 22, minor: 3 };

/** The bytes of a package's files, by their path in it. */
type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** Makes the tarball of a version in a folder, and returns its path. The same sources give the same bytes. */
export async function makeNpmPackage(top: string, version: string, folder: string): Promise<string> {
  return await withStage(top, version, async (stage) => {
    const { name } = JSON.parse(readFileSync(join(stage, "deno.json"), "utf8"));
    const bytes = await tarball(await packageFiles(stage));
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    writeFileSync(path, bytes);
    return path;
  });
}

/** Makes the files of the package from those of a checkout. */
async function packageFiles(stage: string): Promise<Files> {
  const deno = JSON.parse(readFileSync(join(stage, "deno.json"), "utf8"));
  const entries = Object.values(deno.exports as Record<string, string>);
  const packages = dependencies(deno.imports);
  const files: Files = new Map();
  const text = (path: string, content: string) => files.set(path, new TextEncoder().encode(content));

  // The root stays a list of modules: a bundle would make objects of its namespaces, which a bundler can't leave out.
  const [root, ...rooms] = entries;
  const list = readFileSync(join(stage, root), "utf8");
  const listed = [...list.matchAll(/^export \* .*from "(.*)";$/gm)].map(([, path]) => path);
  const modules = [...new Set([...rooms, ...listed])];
  await bundle(stage, modules, { external: Object.keys(packages), into: "lib", files });
  text(`lib/${root.slice(2, -".ts".length)}.js`, list.replaceAll(/\.ts";$/gm, '.js";'));
  await bundle(stage, ["cli/main.ts"], { external: Object.keys(packages), into: "bin", files, minified: true });
  for (const [path, content] of await declarations(stage)) files.set(`lib/${path}`, content);
  text("bin/gcrane.cjs", starter());
  text("lib/require.cjs", `throw new Error(${JSON.stringify(useImport(deno.name))});\n`);
  text("lib/require.d.cts", `/** ${useImport(deno.name)} */\nexport {};\n`);
  text("package.json", `${JSON.stringify(manifest(stage, deno, packages), null, 2)}\n`);
  for (const path of ["README.md", "LICENSE"]) text(path, readFileSync(join(stage, path), "utf8"));
  text("THIRD_PARTY_NOTICES", readFileSync(join(import.meta.dirname!, "THIRD_PARTY_NOTICES"), "utf8"));
  return files;
}

/** What `require()` finds instead of a module: an error. */
const REQUIRED = { types: "./lib/require.d.cts", default: "./lib/require.cjs" };

/** The packages that the bundle leaves to an installer, with their versions. */
function dependencies(imports: Record<string, string>): Record<string, string> {
  const packages = Object.entries(imports).filter(([name]) => !name.startsWith("@std/"));
  return Object.fromEntries(packages.map(([name, specifier]) => [name, rangeOf(npmSpecifier(specifier))]));
}

/** How modules are bundled. */
interface BundleOptions {
  /** The packages that stay imports. */
  external: readonly string[];
  /** The folder of the package. */
  into: string;
  /** The files of the package, which the chunks are added to. */
  files: Files;
  /** Whether the code is minified. Names stay: those of errors are seen. */
  minified?: boolean;
}

/** Bundles modules into chunks that they share. */
async function bundle(stage: string, entries: readonly string[], options: BundleOptions): Promise<void> {
  const output = join(stage, "dist", options.into);
  await run(process.execPath, [
    ...["bundle", "--quiet", "--frozen", "--code-splitting", "--platform=browser", `--outdir=${output}`],
    ...options.minified ? ["--minify", "--keep-names"] : [],
    ...options.external.flatMap((name) => [`--external=${name}`, `--external=${name}/*`]),
    ...entries,
  ], { cwd: stage });
  for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(output.length + 1).replaceAll("\\", "/");
    options.files.set(`${options.into}/${name}`, new Uint8Array(await readFile(path)));
  }
}

/** Makes the declarations of everything that the exported modules lead to, by their paths in a checkout. */
async function declarations(stage: string): Promise<Files> {
  const packed = join(stage, "dist", "packed.tgz");
  const args = ["pack", "--quiet", "--allow-dirty", "--no-source-maps", `--output=${packed}`];
  await run(process.execPath, args, { cwd: stage, maxBuffer: 2 ** 26 });
  const archive = new Blob([new Uint8Array(await readFile(packed))]).stream();
  const files: Files = new Map();
  for await (const entry of readTar(archive.pipeThrough(new DecompressionStream("gzip")))) {
    const path = entry.path.slice("package/".length);
    if (entry.type !== "file" || !path.endsWith(".d.ts") || path.startsWith("test/")) continue;
    const text = new TextDecoder().decode(await entry.bytes());
    // TypeScript declares this name for the newest targets alone.
    const reference = /\bAsyncDisposable\b/.test(text) ? '/// <reference lib="esnext.disposable" />\n' : "";
    files.set(path, new TextEncoder().encode(reference + text));
  }
  return files;
}

/** The manifest of the package. */
function manifest(stage: string, deno: Record<string, unknown>, packages: Record<string, string>): unknown {
  const checkout = JSON.parse(readFileSync(join(stage, "package.json"), "utf8"));
  const modules = Object.entries(deno.exports as Record<string, string>).map(([subpath, path]) => {
    const name = `./lib/${path.slice(2, -".ts".length)}`;
    return { subpath, types: `${name}.d.ts`, default: `${name}.js` };
  });
  const [main] = modules;
  const { repository } = publicNames;
  return {
    name: deno.name,
    version: deno.version,
    description: checkout.description,
    keywords: checkout.keywords,
    license: deno.license,
    ...repository === undefined ? {} : { repository: { type: "git", url: `git+${repository}.git` } },
    type: "module",
    sideEffects: false,
    engines: { node: `>=${NODE.major}.${NODE.minor}` },
    bin: { gcrane: "bin/gcrane.cjs" },
    main: main.default,
    types: main.types,
    exports: {
      ...Object.fromEntries(modules.map(({ subpath, ...code }) => [subpath, { import: code, require: REQUIRED }])),
      "./package.json": "./package.json",
    },
    // For TypeScript's older resolution of modules, which does not read exports.
    typesVersions: {
      "*": Object.fromEntries(modules.slice(1).map(({ subpath, types }) => [subpath.slice(2), [types]])),
    },
    dependencies: packages,
  };
}

/** The message of `require()`. */
function useImport(name: string): string {
  return `${name} is an ES module, which require() does not load: write import { crane } from "${name}", ` +
    `or in CommonJS const { crane } = await import("${name}")`;
}

/** The command: in old syntax, so that an old Node.js reads it and prints which one is needed. */
function starter(): string {
  return `#!/usr/bin/env node
"use strict";
var found = process.versions.node;
var parts = found.split(".").map(Number);
if (parts[0] < ${NODE.major} || (parts[0] === ${NODE.major} && parts[1] < ${NODE.minor})) {
  console.error("gcrane needs Node.js ${NODE.major}.${NODE.minor} or later, and this is Node.js " + found);
  process.exit(1);
}
import("./main.js").then(function (command) {
  return command.main(process.argv.slice(2));
}).then(process.exit);
`;
}

/** Writes the files into a tarball as npm has it, under `package/`. */
async function tarball(files: Files): Promise<Uint8Array> {
  const entries = [...files].sort(([one], [other]) => one < other ? -1 : 1).map(([path, content]) => ({
    path: `package/${path}`,
    mode: path === "bin/gcrane.cjs" ? 0o755 : 0o644,
    content,
  }));
  const compressed = writeTar(entries).pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}
