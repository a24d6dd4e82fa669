import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { assertEquals } from "@std/assert";
import { inFolder } from "../../make/folders.ts";
import { describePeer, pathOf, Terminal } from "../../peers/mod.ts";

const top = join(import.meta.dirname!, "..", "..", "..");

describePeer("a file store on Deno that may only read", ["script", "deno"], () => {
  it("lists a large directory without a question", () =>
    inFolder(async (folder) => {
      const directory = join(folder, "store", "records", "many");
      await mkdir(directory, { recursive: true });
      for (let i = 0; i < 1_500; i++) await writeFile(join(directory, `tag${i}`), "");
      const program = join(folder, "list.ts");
      await writeFile(
        program,
        `import { fileStore } from ${JSON.stringify(join(top, "src/registry/stores/file/file_store.ts"))};
        const { records } = fileStore(Deno.args[0]);
        for (let i = 0; i < 2; i++) console.log(\`<\${(await records.list("many/")).length}>\`);`,
      );
      const options = ["run", "--allow-read", "--no-check", "--quiet", "--frozen"];
      const config = `--config=${join(top, "deno.json")}`;
      const terminal = new Terminal([pathOf("deno"), ...options, config, program, join(folder, "store")]);
      try {
        await terminal.shows("<1500>\r\n<1500>");
        assertEquals(await terminal.ended(), 0);
      } finally {
        terminal.type("\x03"); // ends a question
      }
    }));
});
