import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { ManifestError } from "../../src/errors.ts";
import { parseJson, parseJsonObject } from "../../src/spec/internal.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const nested = (levels: number, inside = "") => "[".repeat(levels) + inside + "]".repeat(levels);

describe("parseJson", () => {
  it("takes 1,000 levels and no more (rule 21)", () => {
    assertEquals(JSON.stringify(parseJson(utf8(nested(1_000)), "it")), nested(1_000));
    for (const levels of [1_001, 4_000, 2_000_000]) {
      assertThrows(() => parseJson(utf8(nested(levels)), "it"), ManifestError, "it is nested deeper than 1000 levels");
    }
    const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
    parseJson(utf8(objects(1_000)), "it");
    assertThrows(() => parseJsonObject(utf8(objects(1_001)), "it"), ManifestError, "nested deeper");
  });

  it("counts no brackets within strings, nor those that are closed", () => {
    for (
      const text of [`"${"[".repeat(5_000)}"`, `"\\"${"{".repeat(5_000)}"`, `"\\\\"`, `[${"[],{},".repeat(5_000)}1]`]
    ) {
      assertEquals(parseJson(utf8(text), "it"), JSON.parse(text));
    }
    assertThrows(() => parseJson(utf8(`["\\\\",${nested(1_000)}]`), "it"), ManifestError, "nested deeper");
  });

  it("says what is not JSON", () => {
    for (const bytes of [utf8(""), utf8("{"), new Uint8Array([0x22, 0xff, 0x22])]) {
      assertThrows(() => parseJson(bytes, "it"), ManifestError, "it is not JSON");
    }
  });
});
