import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runLine } from "../make/command_line.ts";

interface Understood {
  args: { source: string; target?: string };
  flags: Record<string, unknown>;
}

async function understood(line: string | readonly string[], environment?: Record<string, string>): Promise<Understood> {
  const { code, out, err } = await runLine(line, { environment });
  assertEquals([code, err], [0, ""]);
  return JSON.parse(out);
}

/** The one line of an error of usage, without the line on usage. */
async function refused(line: string | readonly string[], environment?: Record<string, string>): Promise<string> {
  const { code, out, err } = await runLine(line, { environment });
  assertEquals([code, out], [2, ""]);
  return err.split("\n")[0];
}

describe("flags", () => {
  it("have their defaults when not given", async () => {
    assertEquals(await understood("show a"), {
      args: { source: "a" },
      flags: {
        platform: [],
        keychain: [],
        insecure: false,
        allowRedirect: [],
        useMirrors: false,
        timeout: [],
        allowNondistributableArtifacts: false,
        verbose: false,
        version: false,
        help: false,
        allTags: false,
        noClobber: false,
        jobs: 4,
        label: [],
        newLayer: [],
        format: "tarball",
        secret: false,
      },
    });
  });

  it("take a value after a space and after an equals sign", async () => {
    const { flags } = await understood("show --jobs 8 --format=oci --entrypoint= a");
    assertEquals([flags.jobs, flags.format, flags.entrypoint], [8, "oci", ""]);
  });

  it("stand anywhere on the line, the global ones before the command too", async () => {
    for (const line of ["--platform all -v show a", "show --platform=all -v a", "show a --platform all --verbose"]) {
      const { args, flags } = await understood(line);
      assertEquals([args.source, flags.platform, flags.verbose], ["a", ["all"], true]);
    }
  });

  it("end at --", async () => {
    const { args, flags } = await understood("show -- --jobs -a");
    assertEquals([args, flags.jobs, flags.allTags], [{ source: "--jobs", target: "-a" }, 4, false]);
  });

  it("with one letter may be written together, the last one with a value", async () => {
    assertEquals((await understood("show -anj 7 x")).flags.jobs, 7);
    for (const jobs of ["-j7", "-j=7", "-anj7", "-anj=7"]) {
      const { args, flags } = await understood(["show", jobs, "x"]);
      assertEquals([args.source, flags.jobs], ["x", 7]);
    }
    const { flags } = await understood("show -an x");
    assertEquals([flags.allTags, flags.noClobber], [true, true]);
  });

  it("that are boolean can be taken back", async () => {
    const { flags } = await understood("show --all-tags --all-tags=false -n --no-no-clobber --no-verbose a");
    assertEquals([flags.allTags, flags.noClobber, flags.verbose], [false, false, false]);
    assertEquals((await understood("show -a=false -v=1 a")).flags.verbose, true);
  });

  it("whose own name begins with no- are not taken for a negation", async () => {
    assertEquals((await understood("show --no-clobber a")).flags.noClobber, true);
  });

  it("may be written with underscores, as the peer does", async () => {
    assertEquals((await understood("show --new_layer=x --all_tags a")).flags.newLayer, ["x"]);
  });

  it("that repeat keep every value in order, and the others the last", async () => {
    const { flags } = await understood("show --label=b -l a --label b --jobs 1 --jobs 2 x");
    assertEquals([flags.label, flags.jobs], [["b", "a", "b"], 2]);
  });

  it("that take lists split at commas outside of quotes", async () => {
    const words = ["show", "-f", "a,b", "--new-layer", 'c,"d,e","f ""g"""', "-l", "k=1,2", "x"];
    const { flags } = await understood(words);
    assertEquals([flags.newLayer, flags.label], [["a", "b", "c", "d,e", 'f "g"'], ["k=1,2"]]);
  });

  it("come from the environment when not on the line", async () => {
    const environment = { TRIAL_CACHE: "/from/env" };
    assertEquals((await understood("show a", environment)).flags.cache, "/from/env");
    assertEquals((await understood("show --cache=/typed a", environment)).flags.cache, "/typed");
    assertEquals((await understood("show a", { TRIAL_CACHE: "" })).flags.cache, undefined);
  });

  it("with only some values allowed refuse others", async () => {
    assertEquals(
      await refused("show --format=ocii a"),
      'Error: --format must be one of tarball, oci, not "ocii" — did you mean oci?',
    );
  });

  it("that are numbers are whole and not too small", async () => {
    for (const value of ["0", "-1", "1.5", "1e3", "x", "", "0x10", "99999999999999999999"]) {
      assertEquals(
        await refused(["show", `--jobs=${value}`, "a"]),
        `Error: --jobs must be a whole number of at least 1, not ${JSON.stringify(value)}`,
      );
    }
    assertEquals((await understood("show --depth 0 --jobs 08 a")).flags.jobs, 8);
  });

  it("that are boolean refuse other values", async () => {
    assertEquals(await refused("show --all-tags=maybe a"), 'Error: --all-tags must be true or false, not "maybe"');
  });
});

describe("the traps of parse-args", () => {
  it("-lfoo=bar keeps foo=", async () => {
    assertEquals((await understood(["show", "-lfoo=bar", "-l=a=b", "-lk=", "x"])).flags.label, [
      "foo=bar",
      "a=b",
      "k=",
    ]);
  });

  it("a value may begin with a dash", async () => {
    const { args, flags } = await understood(["show", "--entrypoint", "-x", "--label", "--", "-l", "-", "a"]);
    assertEquals([args, flags.entrypoint, flags.label], [{ source: "a" }, "-x", ["--", "-"]]);
  });

  it("arguments and values that look like numbers stay text", async () => {
    const { args, flags } = await understood("show 0123 1e3 --entrypoint 007 -l 1_0");
    assertEquals([args, flags.entrypoint, flags.label], [{ source: "0123", target: "1e3" }, "007", ["1_0"]]);
  });

  it("a flag without its value is an error", async () => {
    assertEquals(await refused("show a --entrypoint"), "Error: flag --entrypoint needs a value");
    assertEquals(await refused("show a -aj"), "Error: flag --jobs needs a value");
    assertEquals(await refused("show a --platform"), "Error: flag --platform needs a value");
  });

  it("an argument true or false is not swallowed by a boolean before it", async () => {
    const { args, flags } = await understood("show --all-tags false -n true");
    assertEquals([args, flags.allTags], [{ source: "false", target: "true" }, true]);
  });

  it("dots and names of Object make no objects", async () => {
    assertEquals(await refused("show --__proto__.x=1 a"), "Error: unknown flag --__proto__.x");
    assertEquals(await refused("show --constructor=1 a"), "Error: unknown flag --constructor");
    assertEquals((await understood("show --label=a.b=c a")).flags.label, ["a.b=c"]);
  });

  it("values keep their newlines, spaces and equals signs", async () => {
    const { flags } = await understood(["show", "--entrypoint", "a\nb = c", "--label=\nx", "a"]);
    assertEquals([flags.entrypoint, flags.label], ["a\nb = c", ["\nx"]]);
  });
});

describe("arguments", () => {
  it("may be - for standard input or output", async () => {
    assertEquals((await understood("show - -")).args, { source: "-", target: "-" });
  });

  it("may be empty text", async () => {
    assertEquals((await understood(["show", ""])).args, { source: "" });
  });

  it("missing or left over are errors that name them and show the usage", async () => {
    const { code, out, err } = await runLine("show");
    assertEquals([code, out], [2, ""]);
    assertEquals(err, "Error: missing argument SRC\nUsage: trial show [flags] SRC [TARGET]\n");
    assertEquals(await refused("gather"), "Error: missing arguments IMAGE and PATH");
    assertEquals(await refused("show a b c"), 'Error: unexpected argument "c"');
    assertStringIncludes((await runLine("gather a")).err, "Usage: trial gather [flags] IMAGE... PATH\n");
  });

  it("that repeat take what the ones around them leave", async () => {
    const { out } = await runLine("gather a b c d");
    assertEquals(JSON.parse(out), { images: ["a", "b", "c"], path: "d" });
    assertEquals(JSON.parse((await runLine("gather a d")).out), { images: ["a"], path: "d" });
  });

  it("with only some values allowed refuse others", async () => {
    assertStringIncludes(
      await refused("completion bahs"),
      'SHELL must be one of bash, zsh, fish, powershell, not "bahs"',
    );
  });
});
