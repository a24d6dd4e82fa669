import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { PlatformError } from "../../src/errors.ts";
import {
  DEFAULT_PLATFORM,
  parsePlatform,
  type Platform,
  platformEquals,
  platformSatisfies,
  platformString,
} from "../../src/spec/mod.ts";

interface Case {
  in: string;
  ok: boolean;
  platform?: Platform;
  string?: string;
  satisfies?: Record<string, boolean>;
}

describe("the vectors of platforms", () => {
  const lines = readFileSync(new URL("../testdata/platforms.jsonl", import.meta.url), "utf8").trim().split("\n");
  const cases = lines.map((line) => JSON.parse(line) as Case);

  it("has all of them, good and bad", () => {
    assertEquals(cases.length, 16);
    assert(cases.some((it) => it.ok));
    assert(cases.some((it) => !it.ok));
  });

  for (const expected of cases) {
    it(`says of ${JSON.stringify(expected.in)} what the vectors say`, () => {
      if (!expected.ok) {
        assertThrows(() => parsePlatform(expected.in), PlatformError);
        return;
      }
      const platform = parsePlatform(expected.in);
      assertEquals<unknown>(platform, expected.platform);
      assertEquals(platformString(platform), expected.string);
      const satisfies = Object.keys(expected.satisfies ?? {}).map((
        other,
      ) => [other, platformSatisfies(platform, parsePlatform(other))]);
      assertEquals(Object.fromEntries(satisfies), expected.satisfies);
    });
  }
});

describe("platforms", () => {
  it("writes what it reads", () => {
    for (const text of ["linux/amd64", "linux/arm/v7", "windows/amd64:10.0.17763.1", "linux/arm64/v8:1.2"]) {
      assertEquals(platformString(parsePlatform(text)), text);
    }
  });

  it("says how a platform is written when it can't be read", () => {
    const error = assertThrows(() => parsePlatform("linux/arm64/v8/extra"), PlatformError, "too many slashes");
    assert(error.hint?.includes("linux/arm64/v8"));
  });

  it("asks for features as a subset", () => {
    const platform = { ...DEFAULT_PLATFORM, features: ["sse4", "aes"], "os.features": ["win32k"] };
    assert(platformSatisfies(platform, DEFAULT_PLATFORM));
    assert(platformSatisfies(platform, { ...DEFAULT_PLATFORM, features: ["aes"] }));
    assert(platformSatisfies(platform, { ...DEFAULT_PLATFORM, "os.features": ["win32k"] }));
    assertFalse(platformSatisfies(platform, { ...DEFAULT_PLATFORM, features: ["aes", "avx"] }));
    assertFalse(platformSatisfies(DEFAULT_PLATFORM, platform));
  });

  it("is equal when every field is, features in any order", () => {
    const one: Platform = { os: "linux", architecture: "arm", variant: "v7", features: ["a", "b"] };
    assert(platformEquals(one, { ...one, features: ["b", "a"], "os.version": "" }));
    for (
      const change of [{ os: "windows" }, { architecture: "arm64" }, { variant: "v6" }, { "os.version": "1" }, {
        features: ["a"],
      }, { "os.features": ["a"] }]
    ) {
      assertFalse(platformEquals(one, { ...one, ...change }), JSON.stringify(change));
    }
  });

  it("does not let the default be changed", () => {
    assertThrows(() => Object.assign(DEFAULT_PLATFORM, { os: "plan9" }), TypeError);
  });
});
