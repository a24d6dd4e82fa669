import { assertEquals, assertMatch } from "@std/assert";
import { cpSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { writeNpmApp } from "../make/app_folder.ts";
import { inFolder } from "../make/folders.ts";
import { describePeer, runPeer } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";
import { standardModules } from "../project/standard_modules.ts";

const top = join(import.meta.dirname!, "..", "..");
const program = join(import.meta.dirname!, "programs", "build_digest.ts");

describePeer("an image that is built on Deno, Bun and Node.js, in two folders and at two times", [
  "deno",
  "bun",
  "node 24",
], () => {
  it("has one digest", { timeout: 300_000 }, () =>
    inFolder(async (folder) => {
      const [first, second] = [join(folder, "first"), join(folder, "second")];
      writeNpmApp(first, { packages: ["hono", "jose"], main: "server.js", files: { "server.js": "import 'hono';\n" } });
      cpSync(first, second, { recursive: true });
      utimesSync(join(second, "server.js"), 1_000_000_000, 1_000_000_000);
      const options = ["run", "-A", "--no-check", "--quiet", "--frozen", `--config=${join(top, "deno.json")}`];
      const digests = [
        await runPeer("deno", [...options, program, first]),
        await runPeer("bun", [program, second]),
        await runPeer("node 24", ["--import", standardModules(), program, second]),
      ];
      assertMatch(digests[0], /^sha256:/);
      assertEquals([...new Set(digests.map((digest) => digest.trim()))], [digests[0].trim()]);
    }));
}, { skip: once() });
