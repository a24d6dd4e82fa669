import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import type { Entry } from "../../../cli/command.ts";
import { isCommandEntry } from "../../../cli/resolve.ts";
import { gcrane } from "../../../cli/table.ts";
import { VERSION } from "../../../src/version.ts";
import { randomImage } from "../../../src/image/mod.ts";
import { inWorld } from "../../make/command_world.ts";

function names(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => [entry.name, ...isCommandEntry(entry) ? [] : names(entry.entries)]);
}

describe("gcrane version", () => {
  it("prints the version alone", () =>
    inWorld(async (world) => assertEquals(await world.data("version"), `${VERSION}\n`)));
});

describe("gcrane completion", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    it(`prints a script for ${shell} that knows every command`, () =>
      inWorld(async (world) => {
        const script = await world.data(`completion ${shell}`);
        for (const name of names(gcrane.entries)) assertStringIncludes(script, name);
        assertStringIncludes(script, "annotate-ref");
      }));
  }

  it("knows no other shell", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane("completion fishy");
      assertEquals([code, out], [2, ""]);
      assertMatch(err, /^Error: .*bash, zsh, fish, powershell, not "fishy" — did you mean fish\?\n/);
    }));
});

describe("gcrane help", () => {
  it("prints what --help does", () =>
    inWorld(async (world) => {
      assertEquals(await world.data("help"), await world.data(""));
      assertEquals(await world.data("help cp"), await world.data("copy --help"));
      assertEquals(await world.data("help auth login"), await world.data("auth login -h"));
    }));

  it("knows no command that there is none of", () =>
    inWorld(async (world) => {
      const { code, err } = await world.gcrane("help cpoy");
      assertEquals([code, err.split("\n")[0]], [2, 'Error: unknown command "cpoy" — did you mean gcrane copy?']);
    }));
});

describe("--verbose", () => {
  it("shows requests on standard error, and leaves standard output as it is", () =>
    inWorld(async (world) => {
      const digest = await world.push(randomImage({ seed: 1 }), "registry.example.com/app:v1");
      const { code, out, err } = await world.gcrane("-v digest registry.example.com/app:v1");
      assertEquals([code, out], [0, `${digest}\n`]);
      assertMatch(
        err,
        /^GET https:\/\/registry\.example\.com\/v2\/ 200 .*\nHEAD https:\/\/.*\/manifests\/v1 200 .*\n$/,
      );
    }));
});
