import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { ManifestError } from "../../src/errors.ts";
import { mentionedDigests } from "../../src/graph/internal.ts";
import { successors } from "../../src/graph/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";

const hash = (digit: string) => `sha256:${digit.repeat(64)}` as const;
const long = `sha512:${"d".repeat(128)}` as const;
const utf8 = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => utf8(JSON.stringify(value));
const nested = (levels: number, inside = "") => "[".repeat(levels) + inside + "]".repeat(levels);
const descriptor = (digit: string, mediaType = "application/x") => ({ mediaType, digest: hash(digit), size: 1 });

describe("successors", () => {
  const [one, two, three] = ["1", "2", "3"].map((digit) => descriptor(digit));
  const config = descriptor("c", MediaType.OciConfig);

  it("gives the config and the layers of an image, in order and with repeats", () => {
    const manifest = json({ schemaVersion: 2, config, layers: [two, one, two], subject: three });
    assertEquals(successors(manifest, MediaType.OciManifest), {
      kind: "image",
      config,
      blobs: [two, one, two],
      members: [],
      subject: three,
    });
  });

  it("gives the members of an index, whatever their type", () => {
    const image = descriptor("4", MediaType.OciManifest);
    assertEquals(successors(json({ schemaVersion: 2, manifests: [image, one] }), MediaType.OciImageIndex), {
      kind: "index",
      blobs: [],
      members: [image, one],
    });
  });

  it("gives the layers of schema 1, of which the size is not known", () => {
    const manifest = json({ schemaVersion: 1, fsLayers: [{ blobSum: hash("1") }, { blobSum: hash("1") }] });
    const expected = { kind: "schema1" as const, blobs: [{ digest: hash("1") }, { digest: hash("1") }], members: [] };
    assertEquals(successors(manifest, MediaType.DockerManifestSchema1), expected);
    assertEquals(successors(manifest, MediaType.DockerManifestSchema1Signed), expected);
  });

  it("gives the blobs of an artifact", () => {
    const manifest = json({ blobs: [one, two], subject: three });
    assertEquals(successors(manifest, MediaType.OciArtifactManifest), {
      kind: "artifact",
      blobs: [one, two],
      members: [],
      subject: three,
    });
  });

  it("takes the fields of an unknown type where they are descriptors", () => {
    const manifest = json({ config, layers: [one, { digest: "no" }, 7], blobs: [two], manifests: [three, null] });
    assertEquals(successors(manifest, "application/vnd.example+json"), {
      kind: "unknown",
      config,
      blobs: [one, two],
      members: [three],
    });
  });

  it("never answers that there are none for what it can't read", () => {
    const broken: [Uint8Array<ArrayBuffer>, string][] = [
      [utf8("{"), MediaType.OciManifest],
      [json({ schemaVersion: 2, config, layers: [{ digest: hash("1") }] }), MediaType.OciManifest],
      [json({ schemaVersion: 2, config, layers: "none" }), MediaType.OciManifest],
      [json({ schemaVersion: 2, manifests: [7] }), MediaType.OciImageIndex],
      [json({ fsLayers: [{}] }), MediaType.DockerManifestSchema1],
      [json({}), MediaType.DockerManifestSchema1],
      [json({ blobs: [{ digest: hash("1") }] }), MediaType.OciArtifactManifest],
      [json([]), "application/vnd.example+json"],
    ];
    for (const [manifest, mediaType] of broken) {
      assertThrows(() => successors(manifest, mediaType, "it"), ManifestError, "it");
    }
  });
});

describe("mentionedDigests", () => {
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
