import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { ManifestError } from "../../src/errors.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { configPlatform, parseConfigFile } from "../../src/spec/mod.ts";

const DIFF_ID = `sha256:${"a".repeat(64)}` as const;
const CONFIG = {
  architecture: "arm64",
  os: "linux",
  variant: "v8",
  created: "2020-01-01T00:00:00Z",
  config: { Env: ["A=b"], Cmd: null, ArgsEscaped: true },
  rootfs: { type: "layers", diff_ids: [DIFF_ID, DIFF_ID] },
  history: [{ created_by: "a", empty_layer: true }, {}, {}],
  moby: { x: 1 },
};

describe("parseConfigFile", () => {
  it("keeps what it does not know", () => {
    assertEquals<unknown>(parseConfigFile(jsonBytes(CONFIG)), CONFIG);
  });

  it("reads known fields in any case, as Go does", () => {
    const value = {
      OS: "linux",
      Config: { env: ["A=b"], ONBUILD: [], own: 1, "\u212a": 2 },
      config: { cmd: ["a"] },
      Own: 2,
    };
    const config = parseConfigFile(jsonBytes({ ...value, Variant: "v7", variant: null, "o\u017f": "folded" }));
    assertEquals<unknown>(config, {
      os: "folded",
      config: { Env: ["A=b"], OnBuild: [], own: 1, "\u212a": 2, Cmd: ["a"] },
      Own: 2,
      variant: "v7",
      architecture: "",
      rootfs: { type: "layers", diff_ids: [] },
    });
  });

  it("reads an artifact's config as one without layers", () => {
    for (const value of [{}, { rootfs: null, history: null, os: 1 }, { rootfs: { diff_ids: null } }]) {
      const { architecture, os, rootfs } = parseConfigFile(jsonBytes(value));
      assertEquals({ architecture, os, rootfs }, {
        architecture: "",
        os: "",
        rootfs: { type: "layers", diff_ids: [] },
      });
    }
  });

  it("refuses what is malformed, and says where", () => {
    const wrong: [string, unknown][] = [
      ["rootfs.diff_ids is not a list of digests", { rootfs: { diff_ids: ["x"] } }],
      ["rootfs.diff_ids is not a list of digests", { rootfs: { diff_ids: DIFF_ID } }],
      ["rootfs is not an object", { rootfs: [DIFF_ID] }],
      ["rootfs is not an object", { rootfs: "layers" }],
      ["history is not a list of objects", { history: {} }],
      ["history is not a list of objects", { history: [null] }],
    ];
    for (const [message, value] of wrong) {
      assertThrows(() => parseConfigFile(jsonBytes(value), "it"), ManifestError, `it: ${message}`);
    }
    assertThrows(() => parseConfigFile(jsonBytes([CONFIG]), "it"), ManifestError, "it is not a JSON object");
  });
});

describe("configPlatform", () => {
  it("takes the fields that are there", () => {
    assertEquals(configPlatform(parseConfigFile(jsonBytes(CONFIG))), {
      architecture: "arm64",
      os: "linux",
      variant: "v8",
    });
    const windows = { os: "windows", architecture: "amd64", "os.version": "10.0", "os.features": ["win32k"] };
    assertEquals<unknown>(configPlatform(parseConfigFile(jsonBytes({ ...windows, variant: "" }))), windows);
  });
});
