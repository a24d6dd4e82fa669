import { assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { buildBinary } from "../make/binary.ts";
import { gcraneWords, mainFile } from "../make/gcrane_process.ts";
import { describePeer, pathOf } from "../peers/mod.ts";
import { standardModules } from "../project/standard_modules.ts";
import { NETWORK_ROWS } from "./network_rows.ts";
import { type NetworkWorld, networkWorld } from "./network_world.ts";

/** The table of the guide to proxies, row by row: the cells by the names of the columns. */
function tableOfGuide(): Map<string, Record<string, string>> {
  const guide = readFileSync(fileURLToPath(new URL("../../docs/proxies.md", import.meta.url)), "utf8");
  const [head, , ...rows] = guide.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return new Map(rows.map(([name, ...cells]) => [
    name,
    Object.fromEntries(cells.map((cell, i) => [head[i + 1], cell])),
  ]));
}

const table = tableOfGuide();
const runtime = "Bun" in globalThis ? "Bun" : "Deno" in globalThis ? "Deno" : "Node.js";

let world: NetworkWorld;
before(async () => world = await networkWorld());
after(() => world?.close());

describe("the table of what each runtime can do", () => {
  it("has a test for each row", () => {
    assertEquals([...table.keys()], Object.keys(NETWORK_ROWS));
    for (const [row, cells] of table) {
      const isVague = row === "An error that names a demanded client certificate";
      const bun = isVague ? "[1]" : "yes";
      const wanted = { Deno: "yes", "Node.js": "yes", Bun: bun, Executable: bun, "Browsers, Workers": "no" };
      assertEquals(cells, wanted, row);
    }
  });
});

/** The tests of a column, for the words that run gcrane. */
function column(runtime: string, words: () => readonly string[]): void {
  for (const [row, work] of Object.entries(NETWORK_ROWS)) {
    it(row, { timeout: 120_000 }, async () => {
      const gcrane = (args: readonly string[], variables?: Record<string, string>) =>
        world.gcrane(words(), args, variables);
      await work({ world, runtime, gcrane });
    });
  }
}

describe(`the network of gcrane on ${runtime}`, () => column(runtime, () => gcraneWords));

if (runtime === "Bun") {
  describe("the network of gcrane as an executable", () => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane-network-"));
    before(() => buildBinary(join(folder, "gcrane")), { timeout: 120_000 });
    after(() => rmSync(folder, { recursive: true, force: true }));
    column("Executable", () => [join(folder, "gcrane")]);
  });
} else if (runtime === "Deno") {
  describePeer("the network of gcrane on Node.js", ["node 22.18"], () => {
    column("Node.js", () => [pathOf("node 22.18"), "--no-warnings", "--import", standardModules(), mainFile]);
  });
}
