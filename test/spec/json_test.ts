import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { ManifestError } from "../../src/errors.ts";
import { jsonBytes, mentionedDigests, parseJsonObject } from "../../src/spec/mod.ts";

const A = `sha256:${"a".repeat(64)}` as const;
const B = `sha512:${"b".repeat(128)}` as const;

const bytes = (text: string) => new TextEncoder().encode(text);
/** An object that is nested so many levels deep, with a text in the middle. */
const nested = (levels: number, inner = '"x"') => `${'{"a":'.repeat(levels)}${inner}${"}".repeat(levels)}`;

describe("parseJsonObject", () => {
  it("takes 1,000 levels and refuses more, whatever their number", () => {
    assertEquals(typeof parseJsonObject(bytes(nested(1_000)), "it").a, "object");
    for (const levels of [1_001, 4_000, 3_000_000]) {
      const error = assertThrows(() => parseJsonObject(bytes(nested(levels)), "it"), ManifestError);
      assertEquals(error.message, "it is JSON that is nested more than 1000 levels deep");
    }
    assertThrows(
      () => parseJsonObject(bytes(`{"a":${"[".repeat(1_000)}${"]".repeat(1_000)}}`), "it"),
      ManifestError,
      "1000 levels",
    );
  });

  it("counts levels, not brackets: those in strings and those that were closed do not count", () => {
    const many = `{"a":"\\"${"[{".repeat(2_000)}\\\\","b":[${"[],".repeat(2_000)}{}]}`;
    assertEquals((parseJsonObject(bytes(many), "it").b as unknown[]).length, 2_001);
  });

  it("says that what is no JSON is none, however many brackets it has", () => {
    for (const wrong of [bytes("]".repeat(2_000)), new Uint8Array(2_000).fill(0x5b).fill(0xff, 1_999), bytes('{"a')]) {
      assertThrows(() => parseJsonObject(wrong, "it"), ManifestError, "it is not JSON");
    }
  });
});

describe("mentionedDigests", () => {
  it("finds what is a string of its own anywhere: values, keys, members that another of that name hides", () => {
    assertEquals(mentionedDigests(jsonBytes({ layers: [{ digest: A }], x: { y: [[B], A] } })), new Set([A, B]));
    assertEquals(mentionedDigests(jsonBytes({ annotations: { [A]: "", "b": B } })), new Set([A, B]));
    assertEquals(mentionedDigests(bytes(`{"a":"${A}","a":"${B}"}`)), new Set([A, B]));
    assertEquals(mentionedDigests(jsonBytes([A])), new Set([A]));
    assertEquals(
      mentionedDigests(bytes(`{"a":"\\u0073${A.slice(1)}","b":"${B.replaceAll("b", "\\u0062")}"}`)),
      new Set([A, B]),
    );
  });

  it("finds none where there is none", () => {
    const texts = [
      "",
      `x${A}`,
      `${A}0`,
      A.toUpperCase(),
      A.slice(1),
      `"${A}"`,
      `\\${A}`,
      "é".repeat(71),
      "\\".repeat(71),
    ];
    assertEquals(mentionedDigests(jsonBytes({ texts })), new Set());
  });

  it("finds them 1,000 levels down, and fails where it can't look", () => {
    assertEquals(mentionedDigests(bytes(nested(1_000, `"${A}"`))), new Set([A]));
    assertThrows(
      () => mentionedDigests(bytes(nested(4_000, `"${A}"`))),
      ManifestError,
      "the manifest is JSON that is nested",
    );
    assertThrows(() => mentionedDigests(bytes(`"${A}`)), ManifestError, "the manifest is not JSON");
    assertThrows(() => mentionedDigests(new Uint8Array([0xff])), ManifestError, "the manifest is not JSON");
  });
});
