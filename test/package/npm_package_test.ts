import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { crane, randomImage } from "../../mod.ts";
import { checkNpmPackage, readPackage } from "../../tools/npm_check.ts";
import { makeNpmPackage } from "../../tools/npm_package.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { pathOf, type Peer, peerIt } from "../peers/mod.ts";
import { exportedModules } from "../project/exports.ts";
import { top } from "../project/tree.ts";
import { inShell, withNode } from "./shell.ts";

const run = promisify(execFile);
const VERSION = "1.2.3-test.1";
/** The line of the README that installs an executable of a release, which another test makes. */
const INSTALL_EXECUTABLE = /^install -D \.\/dist\/bin\/gcrane-linux-x64 ~\/\.local\/bin\/gcrane +# /;

describe("the npm package", { skip: "Deno" in globalThis ? false : "Deno makes it" }, () => {
  const made = mkdtempSync(join(tmpdir(), "gcrane_npm_"));
  let tarball = "";
  before(async () => {
    tarball = await makeNpmPackage(top, VERSION, made);
  }, { timeout: 120_000 });
  after(() => rmSync(made, { recursive: true }));

  it("has JavaScript and declarations of each export, the command, and nothing else", async () => {
    const files = await readPackage(tarball);
    const paths = [...files.keys()];
    const kinds = {
      "lib/**.js": (path: string) => /^lib\/.*\.js$/.test(path),
      "lib/**.d.ts": (path: string) => /^lib\/.*\.d\.ts$/.test(path),
      "bin/*.js": (path: string) => /^bin\/[^/]*\.js$/.test(path),
    };
    assertEquals(paths.filter((path) => !Object.values(kinds).some((is) => is(path))), [
      "LICENSE",
      "README.md",
      "THIRD_PARTY_NOTICES",
      "bin/gcrane.cjs",
      "lib/require.cjs",
      "lib/require.d.cts",
      "package.json",
    ]);
    assertEquals(paths.filter((path) => /test|testdata|\.(key|pem)$/.test(path)), []);
    for (const { path } of exportedModules()) {
      const name = `lib/${path.replace(/\.ts$/, "")}`;
      assertEquals([files.has(`${name}.js`), files.has(`${name}.d.ts`)], [true, true], name);
    }
    const { name, version, bin, sideEffects, exports, dependencies } = JSON.parse(files.get("package.json")!);
    assertEquals({ name, version, bin, sideEffects }, {
      name: "@gcrane/gcrane",
      version: VERSION,
      bin: { gcrane: "bin/gcrane.cjs" },
      sideEffects: false,
    });
    assertEquals(Object.keys(exports).length, exportedModules().length + 1);
    assertEquals(Object.keys(dependencies), [
      "@noble/hashes",
      "aws4fetch",
      "bcryptjs",
      "croner",
      "fflate",
      "hono",
      "jose",
    ]);
  });

  peerIt("has no fault that type checks and linters of packages find", ["npm", "npx", "node 24"], async () => {
    const { lines, failures } = await checkNpmPackage(tarball);
    assertEquals(failures, []);
    assertEquals(lines.length, 9);
  }, { timeout: 170_000 });

  for (
    const { name, peers, lines } of [
      { name: "Node.js 26", peers: ["npm", "npx", "node 26"], lines: ["npm install TARBALL", "npx gcrane"] },
      { name: "Node.js 24", peers: ["npm", "npx", "node 24"], lines: ["npm install TARBALL", "npx gcrane"] },
      { name: "Node.js 22", peers: ["npm", "npx", "node 22"], lines: ["npm install TARBALL", "npx gcrane"] },
      { name: "Bun", peers: ["bun"], lines: ["bun add TARBALL", "bun x --bun gcrane"] },
      {
        name: "Deno",
        peers: ["npm", "deno"],
        lines: ["npm install TARBALL", "deno run -A npm:@gcrane/gcrane"],
      },
    ] as { name: string; peers: Peer[]; lines: [string, string] }[]
  ) {
    peerIt(
      `${name}: one line installs it in an empty folder, one line lists an image`,
      ["bash", ...peers],
      () =>
        withFolder((folder) =>
          withRegistryProcess(async (host) => {
            const [install, gcrane] = lines;
            const image = randomImage();
            await crane.push(image, `${host}/app:v1`);
            const node = peers.find((peer) => peer.startsWith("node "));
            const env = node === undefined ? process.env : withNode(node, folder);
            const work = join(folder, "empty");
            mkdirSync(work);
            await inShell(install.replace("TARBALL", `'${tarball}'`), { cwd: work, env });
            const listed = await inShell(`${gcrane} version; ${gcrane} ls ${host}/app`, { cwd: work, env });
            assertEquals(listed, `${VERSION}\n${host}/app@${await image.digest()}\n${host}/app:v1\n`);
          })
        ),
      { timeout: 110_000 },
    );
  }

  peerIt(
    "each line of the README installs a command",
    ["bash", "bun", "deno", "node 24", "npm", "npx"],
    () =>
      withFolder(async (folder) => {
        const section = /^## Install\n(.*?)^## /ms.exec(readFileSync(join(top, "README.md"), "utf8"))![1];
        const [made, installs] = [...section.matchAll(/^```console\n(.*?)^```$/gms)].map(([, lines]) => lines);
        const { version } = JSON.parse(readFileSync(join(top, "deno.json"), "utf8"));
        const name = `dist/npm/gcrane-gcrane-${version}.tgz`;
        assertStringIncludes(
          made,
          `deno@2.9.6 task release ${version} --dry-run   # dist/npm, dist/bin and dist/image\n`,
        );

        const env = {
          ...withNode("node 24", folder),
          DENO_INSTALL_ROOT: join(folder, "deno"),
          npm_config_prefix: join(folder, "npm"),
          BUN_INSTALL: join(folder, "bun"),
        };
        const lines = installs.trimEnd().split("\n").map((line) => line.replace(`./${name}`, `'${tarball}'`));
        assertMatch(lines.pop()!, INSTALL_EXECUTABLE);
        assertEquals(lines.length, 4);
        const outputs: string[] = [];
        for (const line of lines) outputs.push(await inShell(line, { cwd: top, env }));
        assertEquals(outputs[2], `${VERSION}\n`);
        const versions = { deno: version, npm: VERSION, bun: VERSION };
        for (const [program, expected] of Object.entries(versions)) {
          // A command that parses flags needs @std, so that the checkout's imports must be found.
          const lines = `gcrane=${join(folder, program, "bin/gcrane")}\n$gcrane version; $gcrane ls --help`;
          assertStringIncludes(
            await inShell(lines, { cwd: folder, env }),
            `${expected}\nList the tags of a repository.\n`,
          );
        }
      }),
    { timeout: 110_000 },
  );

  peerIt("Node.js imports every room; require() names what to write; Node.js 20 is too old", [
    "npm",
    "node 20",
    "node 22",
    "node 24",
    "node 26",
  ], () =>
    withFolder(async (folder) => {
      writeFileSync(join(folder, "package.json"), "{}\n");
      await run("npm", ["install", "--no-audit", "--no-fund", tarball], { cwd: folder });
      const node = (peer: Peer, ...args: string[]) => {
        const { status, stdout, stderr } = spawnSync(pathOf(peer), args, { cwd: folder, encoding: "utf8" });
        return { status, stdout, stderr };
      };

      const names = exportedModules().map(({ name }) => name);
      const program = `const names = ${JSON.stringify(names)};
for (const name of names) console.log(name, Object.keys(await import(name)).sort().join());
const { crane } = await import("@gcrane/gcrane");
if ((await import("@gcrane/gcrane/crane")).copy !== crane.copy) throw new Error("a room is there twice");`;
      const expected: string[] = [];
      for (const name of names) expected.push(`${name} ${Object.keys(await import(name)).sort().join()}\n`);
      for (const peer of ["node 22", "node 24", "node 26"] as const) {
        const { status, stdout, stderr } = node(peer, "--input-type=module", "--eval", program);
        assertEquals({ status, stdout, stderr }, { status: 0, stdout: expected.join(""), stderr: "" }, peer);
        for (const name of ["@gcrane/gcrane", "@gcrane/gcrane/tar"]) {
          const required = node(peer, "--input-type=commonjs", "--eval", `require("${name}")`);
          assertEquals(required.status, 1);
          assertStringIncludes(required.stderr, 'write import { crane } from "@gcrane/gcrane", or in CommonJS');
        }
        const inCommonJs = `import("@gcrane/gcrane").then(({ crane }) => console.log(typeof crane.copy))`;
        assertEquals(node(peer, "--input-type=commonjs", "--eval", inCommonJs).stdout, "function\n");
      }

      const command = join(folder, "node_modules/.bin/gcrane");
      const old = node("node 20", command, "version");
      assertEquals([old.status, old.stdout], [1, ""]);
      assert(
        /^gcrane needs Node\.js 22\.3 or later, and this is Node\.js 20\.\d+\.\d+\n$/.test(old.stderr),
        old.stderr,
      );
    }), { timeout: 110_000 });
});
