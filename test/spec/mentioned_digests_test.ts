import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { jsonBytes, mentionedDigests } from "../../src/spec/mod.ts";

const sha256 = (digit: string) => `sha256:${digit.repeat(64)}`;

describe("mentionedDigests", () => {
  it("finds digests wherever they are", () => {
    const sha512 = `sha512:${"d".repeat(128)}`;
    const manifest = jsonBytes({
      manifests: [{ digest: sha256("a"), annotations: { of: `see ${sha256("b")}, ${sha512}` } }],
      [sha256("c")]: { deep: [[[{ digest: sha256("e") }]]] },
    });
    assertEquals([...mentionedDigests(manifest)].sort(), [..."abce"].map(sha256).concat(sha512));
  });

  it("finds those that are written with escapes", () => {
    const text = `{"a":"\\u0073ha256:${"a".repeat(63)}\\u0061","b":"x\\n${sha256("b")}"}`;
    assertEquals([...mentionedDigests(new TextEncoder().encode(text))].sort(), [sha256("a"), sha256("b")]);
  });

  it("takes nothing else for a digest", () => {
    const text = JSON.stringify([
      `sha256:${"a".repeat(63)}`,
      `sha256:${"a".repeat(65)}`,
      `sha256:${"A".repeat(64)}`,
      "md5:0",
    ]);
    assertEquals([...mentionedDigests(new TextEncoder().encode(text))], []);
  });
});
