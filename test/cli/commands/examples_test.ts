import { assert, assertEquals } from "@std/assert";
import { before, describe, it } from "node:test";
import { gcrane } from "../../../cli/table.ts";
import type { Ended } from "../programs/examples.ts";
import { commandEntries } from "../../make/command_entries.ts";
import { inFolder } from "../../make/folders.ts";
import { runFile } from "../../make/processes.ts";

describe("the examples of the help", () => {
  const all = new Map<string, Ended[]>();
  // In a process of their own, since they name files of the current folder.
  before(() =>
    inFolder(async (cwd) => {
      const { code, out, err } = await runFile("test/cli/programs/examples.ts", [], { cwd });
      assertEquals([code, err], [0, ""]);
      const lines = out.trim().split("\n").map((line): Ended => JSON.parse(line));
      for (const line of lines) all.set(line.path, [...all.get(line.path) ?? [], line]);
    })
  );

  for (const path of ["", ...commandEntries(gcrane.entries).map(([path]) => path)]) {
    if (path === "registry serve") continue;
    it(`of ${path || "gcrane itself"} run`, () => {
      const examples = all.get(path);
      assert(examples);
      assertEquals(examples.filter(({ code }) => code !== 0), []);
    });
  }
});

describe("the documents for users of other programs", () => {
  let lines: Ended[] = [];
  before(() =>
    inFolder(async (cwd) => {
      const { code, out, err } = await runFile("test/cli/programs/examples.ts", ["documents"], { cwd });
      assertEquals([code, err], [0, ""]);
      lines = out.trim().split("\n").map((line): Ended => JSON.parse(line));
    })
  );

  for (const [page, count] of [["crane", 15], ["skopeo", 15], ["regctl", 20], ["oras", 18]] as const) {
    it(`each line of coming_from_${page}.md runs`, () => {
      const all = lines.filter(({ path }) => path === `coming_from_${page}.md`);
      assert(all.length >= count, `${all.length} lines`);
      assertEquals(all.filter(({ code }) => code !== 0), []);
    });
  }
});
