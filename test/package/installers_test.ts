import { assert, assertEquals, assertMatch } from "@std/assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe } from "node:test";
import { crane, randomImage } from "../../mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { readPackage } from "../../tools/npm_check.ts";
import { makeNpmPackage } from "../../tools/npm_package.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { peerIt } from "../peers/mod.ts";
import { top } from "../project/tree.ts";
import { inShell, withNode } from "./shell.ts";

const VERSION = "1.2.3-test.1";
const OTHER = "1.2.4";
const PNPM = "npx -y pnpm@10.34.9";
const YARN_1 = "npx -y yarn@1.22.22";
const YARN_4 = "npx -y -p @yarnpkg/cli-dist@4.18.1 yarn";
const ESBUILD = "npx -y esbuild@0.28.2";

/** A program that pushes with one room to another, and prints what is there. */
const PROGRAM = `import { crane, randomImage } from "@gcrane/gcrane";
import { createRegistry } from "@gcrane/gcrane/registry";
const options = { fetch: createRegistry().fetch };
await crane.push(randomImage(), "registry.example.com/app:v1", options);
for await (const tag of crane.list("registry.example.com/app", options)) console.log(tag);
`;

/** Makes a package of another version, with the same code. */
async function withVersion(tarball: string, path: string): Promise<string> {
  const entries = [...await readPackage(tarball)].map(([path, text]) => ({
    path: `package/${path}`,
    mode: path === "bin/gcrane.cjs" ? 0o755 : 0o644,
    content: new TextEncoder().encode(text.replaceAll(VERSION, OTHER)),
  }));
  await writeFile(path, writeTar(entries).pipeThrough(new CompressionStream("gzip")));
  return path;
}

describe("installed", { skip: "Deno" in globalThis ? false : "Deno makes the package" }, () => {
  const made = mkdtempSync(join(tmpdir(), "gcrane_npm_"));
  let tarball = "";
  let other = "";
  before(async () => {
    tarball = await makeNpmPackage(top, VERSION, made);
    other = await withVersion(tarball, join(made, "other.tgz"));
  }, { timeout: 120_000 });
  after(() => rmSync(made, { recursive: true }));

  for (
    const { name, install, run = "node", gcrane = "node_modules/.bin/gcrane", files = {} } of [
      { name: "npm", install: "npm install --no-audit --no-fund TARBALL" },
      { name: "npm, linked", install: "npm install --install-strategy=linked --no-audit --no-fund TARBALL" },
      { name: "pnpm", install: `${PNPM} add TARBALL` },
      { name: "pnpm, hoisted", install: `${PNPM} add --config.node-linker=hoisted TARBALL` },
      { name: "yarn 1", install: `${YARN_1} add TARBALL` },
      {
        name: "yarn 4, without node_modules",
        install: `${YARN_4} add @gcrane/gcrane@file:TARBALL`,
        run: `${YARN_4} node`,
        gcrane: `${YARN_4} gcrane`,
        files: { "yarn.lock": "" },
      },
      {
        name: "yarn 4, hoisted",
        install: `${YARN_4} add @gcrane/gcrane@file:TARBALL`,
        files: { "yarn.lock": "", ".yarnrc.yml": "nodeLinker: node-modules\n" },
      },
      { name: "bun", install: "bun add TARBALL", run: "bun", gcrane: "bun x --bun gcrane" },
      { name: "bun, linked", install: "bun add --linker=isolated TARBALL", run: "bun", gcrane: "bun x --bun gcrane" },
    ] as { name: string; install: string; run?: string; gcrane?: string; files?: Record<string, string> }[]
  ) {
    peerIt(
      `by ${name}, the rooms and the command work`,
      ["bash", "bun", "node 24", "npx"],
      () =>
        withFolder(async (folder) => {
          const work = join(folder, "empty");
          mkdirSync(work);
          for (const [path, text] of Object.entries({ ...files, "package.json": "{}\n", "program.mjs": PROGRAM })) {
            writeFileSync(join(work, path), text);
          }
          const env = withNode("node 24", folder);
          await inShell(`${install.replace("TARBALL", tarball)} >&2`, { cwd: work, env });
          const printed = await inShell(`${run} program.mjs; ${gcrane} version`, { cwd: work, env });
          assertEquals(printed, `v1\n${VERSION}\n`);
        }),
      { timeout: 110_000 },
    );
  }

  peerIt(
    "two versions side by side take each other's images",
    ["bash", "npm", "node 24"],
    () =>
      withFolder(async (folder) => {
        const program = `import * as one from "one";
import * as two from "two";
import { createRegistry } from "two/registry";
const options = { fetch: createRegistry().fetch };
const pushed = await one.crane.push(two.randomImage(), "registry.example.com/app:v1", options);
await two.validateImage(await new one.Puller(options).image(two.parseReference(pushed)));
console.log(one.crane.copy === two.crane.copy, pushed.split("@")[0]);
`;
        writeFileSync(join(folder, "program.mjs"), program);
        const env = withNode("node 24", folder);
        const install = `npm install --no-audit --no-fund 'one@file:${tarball}' 'two@file:${other}' >&2`;
        const versions = "for name in one two; do node node_modules/$name/bin/gcrane.cjs version; done";
        const printed = await inShell(`${install}\nnode program.mjs\n${versions}`, { cwd: folder, env });
        assertEquals(printed, `false registry.example.com/app\n${VERSION}\n${OTHER}\n`);
      }),
    { timeout: 110_000 },
  );

  peerIt(
    "it works with a home that can't be written to, and without a network",
    ["bash", "npm", "node 24", "unshare"],
    () =>
      withFolder((folder) =>
        withRegistryProcess(async (host) => {
          await crane.push(randomImage(), `${host}/app:v1`);
          const [work, home] = [join(folder, "work"), join(folder, "home")];
          for (const path of [work, home]) mkdirSync(path);
          const env = withNode("node 24", folder);
          await inShell(`npm install --no-audit --no-fund '${tarball}' >&2`, { cwd: work, env });

          const isRoot = process.getuid?.() === 0;
          const unshare = `unshare ${isRoot ? "" : "--map-root-user"}`;
          const mounts = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"';
          const readOnly = `${unshare} --mount sh -euc '${mounts}' ${home}`;
          const alone = `${unshare} --net`;
          const gcrane = "node node_modules/@gcrane/gcrane/bin/gcrane.cjs";
          const inHome = {
            cwd: work,
            env: { ...env, HOME: home, XDG_RUNTIME_DIR: undefined, DOCKER_CONFIG: undefined },
          };
          assertMatch(
            await inShell(`${readOnly} ${gcrane} ls ${host}/app 2>&1`, inHome),
            /^127\.0\.0\.1:\d+\/app@sha256:[0-9a-f]{64}\n127\.0\.0\.1:\d+\/app:v1\n$/,
          );
          const login =
            `echo secret | ${readOnly} ${gcrane} auth login -u ann --password-stdin ${host} 2>&1 || echo "exit code $?"`;
          assertMatch(await inShell(login, inHome), /^Error: can't .*\.docker.*EROFS.*\n(hint: .*\n)?exit code 1\n$/);
          const offline =
            `${alone} ${gcrane} version; ${alone} ${gcrane} ls --timeout 5s registry.example.com/app 2>&1 || echo "exit code $?"`;
          assertMatch(
            await inShell(offline, { cwd: work, env }),
            /^1\.2\.3-test\.1\nError: .*registry\.example\.com.*\n(hint: .*\n)?exit code 1\n$/,
          );
        })
      ),
    { timeout: 110_000 },
  );

  peerIt(
    "one function in a bundle brings no more than it needs",
    ["bash", "bun", "npm", "npx", "node 24"],
    () =>
      withFolder(async (folder) => {
        const env = withNode("node 24", folder);
        await inShell(`npm install --no-audit --no-fund '${tarball}' >&2`, { cwd: folder, env });
        const program =
          `import { parseReference } from "@gcrane/gcrane";\nconsole.log(parseReference("a/b:c").name);\n`;
        writeFileSync(join(folder, "program.mjs"), program);
        const bundlers = {
          esbuild:
            `${ESBUILD} program.mjs --bundle --minify --format=esm --platform=browser --log-level=error --outfile=esbuild.mjs`,
          bun: "bun build program.mjs --minify --target=browser --outfile=bun.mjs",
        };
        for (const [name, line] of Object.entries(bundlers)) {
          await inShell(`${line} >&2`, { cwd: folder, env });
          const printed = await inShell(`node ${name}.mjs`, { cwd: folder, env });
          assertEquals(printed, "index.docker.io/a/b:c\n");
          const { size } = statSync(join(folder, `${name}.mjs`));
          assert(size < 13_000, `${name} makes ${size} bytes`);
          assertEquals(/jose|hono|bcrypt/.test(readFileSync(join(folder, `${name}.mjs`), "utf8")), false);
        }
      }),
    { timeout: 110_000 },
  );
});
