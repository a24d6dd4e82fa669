import { describe, it } from "node:test";
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { runLine } from "../make/command_line.ts";

describe("a line", () => {
  it("finds commands by alias and in groups, flags in between", async () => {
    assertEquals(JSON.parse((await runLine("sh a")).out).args, { source: "a" });
    const { out } = await runLine("--insecure group --platform one one a");
    assertEquals(JSON.parse(out).flags.platform, ["one"]);
    assertEquals(JSON.parse((await runLine("group zwei a b")).out), { images: ["a"], path: "b" });
  });

  it("with an unknown command exits 2 and names the nearest", async () => {
    for (
      const [line, message] of [
        ["shwo a", 'unknown command "shwo" — did you mean trial show?'],
        ["comp", 'unknown command "comp" — did you mean trial completion?'],
        ["group tow", 'unknown command "group tow" — did you mean trial group two?'],
        ["xyzzy", 'unknown command "xyzzy" — trial --help lists the commands'],
        ["group xyzzy", 'unknown command "group xyzzy" — trial group --help lists the commands'],
      ]
    ) {
      const { code, out, err } = await runLine(line);
      assertEquals([code, out, err], [2, "", `Error: ${message}\n`]);
    }
  });

  it("with an unknown flag exits 2 and names the nearest", async () => {
    for (
      const [line, message] of [
        ["show --al-tags a", "unknown flag --al-tags — did you mean --all-tags?"],
        ["show --insecrue=false a", "unknown flag --insecrue — did you mean --insecure?"],
        ["show --plat x a", "unknown flag --plat — did you mean --platform?"],
        ["show -ax a", "unknown flag -x"],
        ["show --zzz a", "unknown flag --zzz"],
        ["--jbos 3 show a", "unknown flag --jbos"],
      ]
    ) {
      const { code, out, err } = await runLine(line);
      assertEquals([code, out, err.split("\n")[0]], [2, "", `Error: ${message}`]);
    }
  });

  it("never suggests a hidden flag", async () => {
    assertEquals((await runLine("show --secre a")).err.split("\n")[0], "Error: unknown flag --secre");
  });

  it("ends with the code of its command", async () => {
    assertEquals((await runLine("code")).code, 3);
  });

  it("leaves no listener behind and asks for temporary files to be removed", async () => {
    for (const line of ["code", "fail bug", "nonsense", "--help"]) {
      const { io } = await runLine(line);
      assertEquals([io.listeners, io.removals], [0, 1]);
    }
  });
});

describe("a failure", () => {
  it("is one line on standard error, with its hint", async () => {
    const { code, out, err } = await runLine("fail missing");
    assertEquals([code, out], [1, ""]);
    assertEquals(err, "Error: no image at example.com/a:b — gcrane ls example.com/a lists its tags\n");
  });

  it("of usage, found by the command itself, shows the usage and exits 2", async () => {
    const { code, err } = await runLine("fail usage");
    assertEquals([code, err], [2, "Error: give --remote or --tarball\nUsage: trial fail [flags] HOW\n"]);
  });

  it("that is a bug says so, without a stack trace", async () => {
    const { code, err } = await runLine("fail bug");
    assertEquals([code, err], [1, "Error: internal error: x is not a function — please report\n"]);
    assertEquals((await runLine("fail text")).err, "Error: internal error: thrown text — please report\n");
  });

  it("of the operating system is no bug", async () => {
    assertEquals((await runLine("fail errno")).err, "Error: open /a: permission denied\n");
  });

  it("stays on one line and can't move the cursor", async () => {
    assertEquals((await runLine("fail lines")).err, "Error: first line second \\x1b[31mline\n");
  });

  it("shows its causes with --verbose, one line each, without secrets", async () => {
    assertEquals((await runLine("fail causes")).err, "Error: outer\n");
    assertEquals((await runLine("fail causes -v")).err.split("\n"), [
      "Error: outer",
      "  caused by: GET https://REDACTED@example.com/?sig=REDACTED failed",
      "  caused by: several",
      "  caused by: one",
      "  caused by: Bearer REDACTED",
      "",
    ]);
  });

  it("that nobody waited for ends the work too", async () => {
    const { code, err } = await runLine("heed", { whenReady: (io) => io.unhandled(new Error("lost")) });
    assertEquals([code, err], [1, "ready\nError: internal error: lost — please report\n"]);
  });
});

describe("messages", () => {
  it("go to standard error, warnings once, and data alone to standard output", async () => {
    const { code, out, err } = await runLine("talk");
    assertEquals([code, out], [0, "no bars\n"]);
    assertEquals(err, "a note\nWarning: careful [2J\n");
  });

  it("include requests with --verbose, their secrets left out", async () => {
    const { err } = await runLine("talk --verbose");
    assertStringIncludes(
      err,
      "GET https://example.com/v2/?token=REDACTED 200 12ms (authorization: Bearer REDACTED)\n",
    );
    assertNotMatch(err, /abc/);
  });
});

describe("bars", () => {
  const terminal = { columns: 80, rows: 24 };

  it("are there for a terminal", async () => {
    assertEquals((await runLine("talk", { terminal })).out, "bars\n");
  });

  it("are not there for a file, with --verbose, NO_PROGRESS or a dumb terminal", async () => {
    assertEquals((await runLine("talk")).out, "no bars\n");
    assertEquals((await runLine("talk -v", { terminal })).out, "no bars\n");
    assertEquals((await runLine("talk", { terminal, environment: { NO_PROGRESS: "1" } })).out, "no bars\n");
    assertEquals((await runLine("talk", { terminal, environment: { TERM: "dumb" } })).out, "no bars\n");
  });
});
