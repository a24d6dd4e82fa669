import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { ManifestError } from "../../src/errors.ts";
import { distinctDescriptors, isDescriptor, jsonBytes, parseJsonObject } from "../../src/spec/internal.ts";
import {
  type Descriptor,
  manifestMediaType,
  MediaType,
  parseIndexManifest,
  parseManifest,
} from "../../src/spec/mod.ts";

const DIGEST = `sha256:${"a".repeat(64)}` as const;
const CONFIG: Descriptor = { mediaType: MediaType.OciConfig, digest: DIGEST, size: 2 };
const LAYER: Descriptor = { mediaType: MediaType.OciLayerGzip, digest: DIGEST, size: 10 };
const MANIFEST = { schemaVersion: 2, mediaType: MediaType.OciManifest, config: CONFIG, layers: [LAYER] };
const INDEX = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [CONFIG] };

describe("parseManifest", () => {
  it("keeps what it does not know", () => {
    const manifest = { ...MANIFEST, annotations: { a: "b" }, subject: LAYER, artifactType: "x/y", extra: [1] };
    assertEquals<unknown>(parseManifest(jsonBytes(manifest)), manifest);
  });

  it("reads a manifest without layers, media type or version as one that has none", () => {
    for (const layers of [null, undefined]) {
      assertEquals<unknown>(parseManifest(jsonBytes({ config: CONFIG, layers })), {
        schemaVersion: 2,
        config: CONFIG,
        layers: [],
      });
    }
  });

  it("refuses an index, and says what to do", () => {
    for (const index of [INDEX, { ...INDEX, mediaType: MediaType.DockerManifestList }, { manifests: [] }]) {
      const error = assertThrows(() => parseManifest(jsonBytes(index), "x:y"), ManifestError, "x:y is an index");
      assertEquals(error.hint, "choose one of its images with --platform");
    }
  });

  it("refuses what is malformed, and says where", () => {
    const wrong: [string, unknown][] = [
      ["config is not a descriptor", { ...MANIFEST, config: undefined }],
      ["config is not a descriptor", { ...MANIFEST, config: { ...CONFIG, digest: "sha256:short" } }],
      ["layers is not a list", { ...MANIFEST, layers: {} }],
      ["layers[1] is not a descriptor", { ...MANIFEST, layers: [LAYER, { ...LAYER, size: -1 }] }],
      ["layers[0] is not a descriptor", { ...MANIFEST, layers: [{ ...LAYER, size: 1e300 }] }],
      ["layers[0] is not a descriptor", { ...MANIFEST, layers: [{ ...LAYER, size: "10" }] }],
      ["layers[0] is not a descriptor", { ...MANIFEST, layers: [null] }],
      ["subject is not a descriptor", { ...MANIFEST, subject: "x" }],
    ];
    for (const [message, value] of wrong) {
      assertThrows(() => parseManifest(jsonBytes(value), "x:y"), ManifestError, `x:y: ${message}`);
    }
  });
});

describe("parseIndexManifest", () => {
  it("keeps what it does not know", () => {
    const index = { ...INDEX, annotations: { a: "b" }, extra: { b: 1 } };
    assertEquals<unknown>(parseIndexManifest(jsonBytes(index)), index);
    assertEquals(parseIndexManifest(jsonBytes({ manifests: null })).manifests, []);
  });

  it("refuses an image and what is malformed", () => {
    for (const image of [MANIFEST, { ...MANIFEST, mediaType: undefined }]) {
      assertThrows(() => parseIndexManifest(jsonBytes(image), "x"), ManifestError, "x is an image manifest where");
    }
    assertThrows(() => parseIndexManifest(jsonBytes({ ...INDEX, manifests: "x" }), "x"), ManifestError, "x: manifests");
    const wrong = { ...INDEX, manifests: [CONFIG, {}] };
    assertThrows(() => parseIndexManifest(jsonBytes(wrong), "x"), ManifestError, "x: manifests[1] is not a descriptor");
  });
});

describe("manifestMediaType", () => {
  it("believes the bytes, else goes by their shape", () => {
    const cases: [string, unknown][] = [
      ["application/x", { mediaType: "application/x" }],
      [MediaType.OciImageIndex, { manifests: [] }],
      [MediaType.OciManifest, { config: CONFIG, layers: [], mediaType: "" }],
      [MediaType.OciManifest, { config: CONFIG }],
      [MediaType.DockerManifestSchema1, { schemaVersion: 1 }],
      [MediaType.DockerManifestSchema1Signed, { schemaVersion: 1, signatures: [] }],
    ];
    for (const [expected, value] of cases) assertEquals(manifestMediaType(jsonBytes(value)), expected);
    assertThrows(() => manifestMediaType(jsonBytes({ errors: [] }), "x"), ManifestError, "x is not a manifest");
  });
});

describe("parseJsonObject", () => {
  it("refuses what is no JSON object in UTF-8, in one line", () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    for (const text of ["[1]", "null", "1", '"x"']) {
      assertThrows(() => parseJsonObject(bytes(text), "it"), ManifestError, "it is not a JSON object");
    }
    for (const wrong of [bytes(""), bytes("{"), bytes("<html>\n<body>"), Uint8Array.of(0x22, 0xff, 0x22)]) {
      const error = assertThrows(() => parseJsonObject(wrong, "it"), ManifestError, "it is not JSON: ");
      assertFalse(error.message.includes("\n"));
    }
  });
});

describe("descriptors", () => {
  it("need a digest and a size", () => {
    assertEquals(isDescriptor(CONFIG), true);
    assertEquals(isDescriptor({ digest: DIGEST, size: 0 }), true);
    for (const wrong of [undefined, null, "x", {}, { ...CONFIG, size: 1.5 }, { ...CONFIG, mediaType: 1 }]) {
      assertEquals(isDescriptor(wrong), false);
    }
  });

  it("are distinct by digest, the first of each staying", () => {
    const other: Descriptor = { ...LAYER, digest: `sha256:${"b".repeat(64)}` };
    assertEquals(distinctDescriptors([CONFIG, other, LAYER, other]), [CONFIG, other]);
  });
});
