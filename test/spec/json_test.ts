import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { ManifestError } from "../../src/errors.ts";
import { mentionedDigests, parseJson, parseJsonObject } from "../../src/spec/mod.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const nested = (levels: number, inside = "") => "[".repeat(levels) + inside + "]".repeat(levels);

describe("parseJson", () => {
  it("takes 1,000 levels and no more", () => {
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

describe("mentionedDigests", () => {
  const hash = (digit: string) => `sha256:${digit.repeat(64)}` as const;
  const long = `sha512:${"d".repeat(128)}` as const;

  it("finds digests in any field, key and text, however they are written", () => {
    const value = `{"a":[{"b":"${hash("1")}"}],"${hash("2")}":null,"ref":"example.com/a@${hash("3")}","x":"${long}",
      "escaped":"sha256\\u003a${"4".repeat(64)}","twice":"${hash("5")}","twice":"${hash("6")}","again":"${hash("1")}"}`;
    assertEquals(
      [...mentionedDigests(utf8(value))].sort(),
      [...["1", "2", "3", "4", "5", "6"].map(hash), long].sort(),
    );
    assertEquals(mentionedDigests(utf8(nested(1_000, `"${hash("7")}"`))), new Set([hash("7")]));
  });

  it("takes nothing shorter, in capitals or of another algorithm for one", () => {
    const texts = [hash("1").slice(0, -1), `sha256:${"A".repeat(64)}`, `md5:${"1".repeat(32)}`, "sha256:"];
    assertEquals(mentionedDigests(utf8(JSON.stringify(texts))), new Set());
  });

  it("never says that there are none where it can't know", () => {
    for (const text of ["", "{", `{"a":"${hash("1")}"`, nested(1_001)]) {
      assertThrows(() => mentionedDigests(utf8(text)), ManifestError, "the manifest is");
    }
  });
});
