import { assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { VERSION } from "../../src/version.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { withRegistryProcess } from "../make/registry_process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scripts = (await import("../../package.json", { with: { type: "json" } })).default.scripts;

const skip = "Bun" in globalThis ? false : "Bun makes it";

it(
  "the single file that Bun makes is the whole command line",
  { timeout: 120_000, skip },
  () =>
    withFolder((folder) =>
      withRegistryProcess((host) => {
        const file = join(folder, "gcrane");
        const words = scripts.build.replace("dist/gcrane", file).split(" ").slice(1);
        const built = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
        assertEquals(built.status, 0, built.stderr);

        // Away from the checkout: nothing may be read from there.
        const gcrane = (...words: string[]) => {
          const { status, stdout, stderr } = spawnSync(file, words, { cwd: folder, encoding: "utf8" });
          return { status, stdout, stderr };
        };
        const site = join(folder, "site");
        mkdirSync(site);
        writeFileSync(join(site, "index.html"), "<h1>Hello</h1>");
        assertEquals(gcrane("version"), { status: 0, stdout: `${VERSION}\n`, stderr: "" });
        const { stdout } = gcrane("append", "-f", site, "-t", `${host}/app:v1`);
        assertMatch(stdout, /app@sha256:[0-9a-f]{64}\n$/);
        assertEquals(gcrane("digest", "--full-ref", `${host}/app:v1`), { status: 0, stdout, stderr: "" });
        assertEquals(gcrane("validate", "--remote", `${host}/app:v1`).status, 0);
        assertEquals(gcrane("digets").status, 2);
        // A link of another name changes the habits.
        symlinkSync(file, join(folder, "crane"));
        const crane = spawnSync(join(folder, "crane"), ["ls", `${host}/app`], { encoding: "utf8" });
        assertEquals([crane.status, crane.stdout, crane.stderr], [0, "v1\n", ""]);

        // The settings of a project that the command is used in are not the command's.
        writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./preload.js"]\n');
        writeFileSync(join(folder, "preload.js"), 'console.error("ran preload.js");\n');
        writeFileSync(join(folder, ".env"), "GCRANE_KEYCHAIN=missing\n");
        assertEquals(gcrane("version"), { status: 0, stdout: `${VERSION}\n`, stderr: "" });
        assertEquals(gcrane("digest", "--full-ref", `${host}/app:v1`), { status: 0, stdout, stderr: "" });
      })
    ),
);
