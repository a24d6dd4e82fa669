import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { HashError } from "../../src/errors.ts";
import { hashAlgorithm, hashHexDigits, isHash, parseHash } from "../../src/spec/mod.ts";

const HEX = "0123456789abcdef".repeat(4);
const SHA256 = `sha256:${HEX}`;
const SHA512 = `sha512:${HEX}${HEX}`;

describe("hashes", () => {
  it("reads both algorithms", () => {
    for (const text of [SHA256, SHA512]) {
      assertEquals<string>(parseHash(text), text);
      assert(isHash(text));
    }
    assertEquals(hashAlgorithm(parseHash(SHA256)), "sha256");
    assertEquals(hashAlgorithm(parseHash(SHA512)), "sha512");
    assertEquals(hashHexDigits(parseHash(SHA256)), HEX);
    assertEquals(hashHexDigits(parseHash(SHA512)), HEX + HEX);
  });

  it("refuses everything else", () => {
    const wrong = [
      "",
      "sha256:",
      HEX,
      `sha256:${HEX}0`,
      `sha256:${HEX.slice(1)}`,
      `sha256:${HEX.toUpperCase()}`,
      `SHA256:${HEX}`,
      `sha512:${HEX}`,
      `sha256:${HEX}${HEX}`,
      `md5:${HEX}`,
      `sha256:${HEX.slice(1)}g`,
      `${SHA256}\n`,
      ` ${SHA256}`,
      `sha256:../../../etc/passwd`,
    ];
    for (const text of wrong) {
      assertFalse(isHash(text), text);
      assertThrows(() => parseHash(text), HashError, "is not a digest");
    }
    for (const value of [undefined, null, 1, {}, [SHA256]]) assertFalse(isHash(value));
  });

  it("keeps its error to one line of bounded length", () => {
    const error = assertThrows(() => parseHash("x\n".repeat(10_000)), HashError);
    assertFalse(error.message.includes("\n"));
    assert(error.message.length < 400);
    assert(error.hint);
  });
});
