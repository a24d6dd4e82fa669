import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { configFileBytes, imageManifestBytes, indexManifestBytes, layoutIndexBytes } from "../../src/spec/internal.ts";
import type { ConfigFile, Descriptor, IndexManifest, Manifest } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";

const DIGEST = `sha256:${"a".repeat(64)}` as const;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("what is written in the order of Go's structs", () => {
  it("times as Go writes them, and halves of surrogate pairs as the character for what can't be read", () => {
    const write = (created: string, author: string) => {
      const rootfs = { type: "layers", diff_ids: [] };
      return text(configFileBytes({ architecture: "", os: "", created, author, rootfs, config: {} }));
    };
    const written = (created: string, author: string) =>
      `{"architecture":"","author":"${author}","created":"${created}","os":"","rootfs":{"type":"layers",` +
      `"diff_ids":[]},"config":{}}`;
    for (
      const [time, go] of [
        ["2024-01-02T03:04:05.120000000+02:00", "2024-01-02T03:04:05.12+02:00"],
        ["2024-01-02T03:04:05.000Z", "2024-01-02T03:04:05Z"],
        ["2024-01-02T03:04:05.1234567891+00:00", "2024-01-02T03:04:05.123456789Z"],
        ["yesterday", "yesterday"],
      ]
    ) {
      assertEquals(write(time, "a"), written(go, "a"));
    }
    assertEquals(write("t", "\ud800 \udc00 \\ud800"), written("t", "\ufffd \ufffd \\\\ud800"));
  });

  it("the index of a layout, with a line for each value", () => {
    const manifests = [{ digest: DIGEST, size: 1, mediaType: 'a:{b},[c]"', annotations: {} }];
    assertEquals(
      text(layoutIndexBytes({ manifests, schemaVersion: 2 })),
      `{\n   "schemaVersion": 2,\n   "manifests": [\n      {\n         "mediaType": "a:{b},[c]\\"",\n         "size": 1,\n` +
        `         "digest": "${DIGEST}"\n      }\n   ]\n}`,
    );
    assertEquals(
      text(layoutIndexBytes({ manifests: [], schemaVersion: 2 })),
      `{\n   "schemaVersion": 2,\n   "manifests": []\n}`,
    );
  });

  it("a descriptor and a manifest", () => {
    const descriptor: Descriptor = {
      platform: { os: "linux", variant: "v8", architecture: "arm64", "os.version": "" },
      annotations: { b: "1", 10: "ten", 9: "nine", a: "2" },
      urls: [],
      digest: DIGEST,
      size: 1,
      mediaType: "m",
    };
    const manifest: Manifest = {
      annotations: {},
      artifactType: "a/b",
      layers: [descriptor],
      config: { digest: DIGEST, size: 2, mediaType: "c" },
      schemaVersion: 2,
    };
    const written =
      `{"mediaType":"m","size":1,"digest":"${DIGEST}","annotations":{"10":"ten","9":"nine","a":"2","b":"1"},` +
      `"platform":{"architecture":"arm64","os":"linux","variant":"v8"}}`;
    assertEquals(
      text(imageManifestBytes(manifest)),
      `{"schemaVersion":2,"config":{"mediaType":"c","size":2,"digest":"${DIGEST}"},"layers":[${written}],"artifactType":"a/b"}`,
    );
    const index: IndexManifest = { manifests: [descriptor], mediaType: "i", schemaVersion: 2 };
    assertEquals(text(indexManifestBytes(index)), `{"schemaVersion":2,"mediaType":"i","manifests":[${written}]}`);
  });

  it("a config file, with unknown fields behind the known ones as they were", () => {
    const config: ConfigFile = {
      z: { b: 1, a: { d: null, c: [] } },
      rootfs: { diff_ids: [DIGEST], type: "layers" },
      os: "linux",
      architecture: "",
      history: [{ empty_layer: false, created_by: "a && b <c>", comment: "" }],
      config: {
        Own: false,
        Labels: { b: "\u2028", a: "" },
        Healthcheck: { Retries: 0, Test: ["CMD"] },
        Tty: false,
        Cmd: null,
        Env: ["A=1"],
        ExposedPorts: { "90/tcp": {}, "80/tcp": {} },
      },
      created: "",
      author: "é",
    };
    assertEquals(
      text(configFileBytes(config)),
      `{"architecture":"","author":"é","history":[{"created_by":"a \\u0026\\u0026 b \\u003cc\\u003e"}],"os":"linux",` +
        `"rootfs":{"type":"layers","diff_ids":["${DIGEST}"]},"config":{"Healthcheck":{"Test":["CMD"]},"Env":["A=1"],` +
        `"Labels":{"a":"","b":"\\u2028"},"ExposedPorts":{"80/tcp":{},"90/tcp":{}},"Own":false},` +
        `"z":{"b":1,"a":{"d":null,"c":[]}}}`,
    );
  });

  it("a config without parameters, which gets empty ones", () => {
    const config: ConfigFile = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } };
    assertEquals(
      text(configFileBytes(config)),
      `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}`,
    );
  });

  it("keys of maps by their bytes in UTF-8", () => {
    const annotations = { "\u{1f600}": "", "\uff5e": "", "aa": "", "a": "" };
    const manifest = { schemaVersion: 2, config: { mediaType: "c", size: 0, digest: DIGEST }, layers: [], annotations };
    assertEquals(
      text(imageManifestBytes(manifest)).split(`"annotations":`)[1],
      `{"a":"","aa":"","\uff5e":"","\u{1f600}":""}}`,
    );
  });

  it("numbers with the text that they had", () => {
    const before = utf8(`{"schemaVersion":2,"manifests":[],"own":12345678901234567890}`);
    const index = JSON.parse(text(before)) as IndexManifest;
    assertEquals(indexManifestBytes(index, before), before);
  });
});
