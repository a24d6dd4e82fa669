import { assertEquals, assertStringIncludes } from "@std/assert";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { gcrane } from "../../cli/table.ts";
import { commandPages, markdownPage, writeManPages } from "../../tools/reference.ts";
import { commandEntries } from "../make/command_entries.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { pathOf, peerIt } from "../peers/mod.ts";

describe("the pages of commands", () => {
  it("are one for each command and group, with all its flags", async () => {
    const pages = new Map((await commandPages()).map((page) => [page.words, page]));
    for (const [path, { load }] of commandEntries(gcrane.entries)) {
      const page = pages.get(`gcrane ${path}`)!;
      const { command } = await load();
      const flags = page.sections.find(({ title }) => title === "Flags")?.rows ?? [];
      assertEquals(flags.length, Object.values(command.flags).filter(({ hidden }) => !hidden).length, path);
      assertEquals(page.examples, command.examples, path);
      for (const { command: line } of page.examples) assertStringIncludes(markdownPage(page), `\n${line}\n`);
    }
    const groups = gcrane.entries.filter((entry) => !("load" in entry)).length;
    assertEquals(pages.size, 1 + groups + commandEntries(gcrane.entries).length);
  });

  peerIt("are formatted by man without a warning", ["man"], () =>
    withFolder(async (folder) => {
      const count = await writeManPages(folder);
      const files = readdirSync(folder).sort();
      assertEquals(files.length, count);
      for (const file of files) {
        const words = ["--warnings", "--local-file", "--pager=cat", join(folder, file)];
        const env = { ...process.env, LC_ALL: "C.UTF-8", MANWIDTH: "100" };
        const { status, stdout, stderr } = spawnSync(pathOf("man"), words, { encoding: "utf8", env });
        assertEquals([status, stderr], [0, ""], file);
        assertStringIncludes(stdout, `${file.slice(0, -".1".length)} - `);
        assertEquals(/\\f|\\-/.test(stdout), false, file);
      }
    }), { timeout: 60_000 });
});
