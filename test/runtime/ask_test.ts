import { assertEquals, assertStringIncludes } from "@std/assert";
import { it } from "node:test";
import { describePeer, Terminal } from "../peers/mod.ts";
import { programCommand, runProgram } from "../make/runtime_programs.ts";

function terminal(what: string, size = { columns: 91, rows: 17 }): Terminal {
  const { command, args } = programCommand("ask.ts", [what]);
  return new Terminal([command, ...args], { size });
}

describePeer("a terminal", ["script"], () => {
  it("is asked for lines, which it shows", async () => {
    const it = terminal("line");
    await it.shows("Name? ");
    it.type("anm\x7fn\r");
    await it.shows("<ann>");
    await it.shows("Again? ");
    it.type("\x04");
    await it.shows("<>");
    assertEquals(await it.ended(), 0);
  });

  it("is asked for a secret, which it never shows and which may be edited", async () => {
    const it = terminal("secret");
    await it.shows("Secret? ");
    it.type("wrong\x15s3\x1b[Dx\x7fcr");
    it.type("et\r");
    await it.shows(`<${btoa("s3cret")}>`);
    await it.shows("Name? ");
    it.type("ann\r");
    await it.shows("<ann>");
    assertEquals(await it.ended(), 0);
    assertEquals(it.text, `Secret? \n<${btoa("s3cret")}>Name? ann\n<ann>`);
  });

  it("takes a secret longer than a line of the terminal may be", async () => {
    const it = terminal("secret");
    await it.shows("Secret? ");
    const token = "0123456789".repeat(600);
    it.type(`${token}\r`);
    await it.shows("Name? ");
    it.type("\r");
    assertEquals(await it.ended(), 0);
    // Without the newlines at which the terminal was made to break it.
    assertEquals(atob(/<(.*)>Name/s.exec(it.screen)![1]) === token, true);
  });

  for (const what of ["line", "secret"]) {
    it(`ends the question with Ctrl-C: ${what}`, async () => {
      const it = terminal(what);
      await it.shows("? ");
      it.type("half\x03");
      await it.shows("failed: interrupted by SIGINT");
      assertEquals(await it.ended(), 1);
    });
  }

  it("says how large it is", async () => {
    const it = terminal("size");
    assertEquals([await it.ended(), JSON.parse(it.text)], [0, { columns: 91, rows: 17 }]);
  });

  it("has no size where it says that it has no column", async () => {
    const it = terminal("size", { columns: 0, rows: 0 });
    assertEquals([await it.ended(), it.text], [0, "undefined"]);
  });
});

it("askLine says so where nobody can be asked", async () => {
  const { code, stdout } = await runProgram("ask.ts", ["line"], "ann\n");
  assertEquals(code, 1);
  assertStringIncludes(stdout, "failed: A terminal to ask on is not available");
});
