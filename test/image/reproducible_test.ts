import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { layerFromBytes, layerFromUncompressed, streamLayer } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { peerIt, runPeer } from "../peers/mod.ts";
import { standardModules } from "../project/standard_modules.ts";
import { top } from "../project/tree.ts";
import { tarOf } from "../make/memory_source.ts";
import { reproducibleDigests } from "./reproducible_layers.ts";

/** What every runtime has to come to. These change with the codec and its settings only, which is worth a release note. */
const GZIP = "sha256:b4fcee8a54c7b55916738b8708d4c0021b3b5eed5b57dbd8a4ed7b9b6b5b6acc";
const SMALL = "sha256:971ccbb48e3b296e47845749ff65b5b222273f058a0bfa4b70a723f742407632";
const ESTARGZ = "sha256:6aa538b95336a8d4678ebb49d45ed52b5c307741f1cefbb8d6094511225d6735";
const EXPECTED: Record<string, string> = {
  "gzip": GZIP,
  "gzip, one-shot": GZIP,
  "gzip, directory": "sha256:863c775de997f3e778de732e0e74e0f9f80752dc2e264426385e0379a79c7fee",
  "small": SMALL,
  "small, one-shot": SMALL,
  "small, directory": "sha256:fff4028ae4b84475980f47173a788f4073fed4d4f0b830424efb8b7578344c17",
  "estargz": ESTARGZ,
  "estargz, one-shot": ESTARGZ,
  "estargz, directory": "sha256:d4d7180a04b51a12b2a063caaa3ae662cebe1305ab026a4a26b5414793f86d2a",
  "flattened": GZIP,
  "flattened, estargz": ESTARGZ,
  "at a time": GZIP,
  "recompressed": GZIP,
};

/** Works with a directory that is the same each time, but for the times of its files. */
async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane-reproducible-"));
  try {
    for (const name of ["b", "a", "a/c"]) mkdirSync(join(folder, name));
    const files = ["b/large", "a/one", "a/c/two"].map((name, i) => [join(folder, name), `${name}\n`.repeat(100 ** i)]);
    for (const [path, text] of files) writeFileSync(path, text);
    for (const name of ["b", "a", "a/c"]) chmodSync(join(folder, name), 0o755);
    for (const [path] of files) chmodSync(path, 0o644);
    symlinkSync("one", join(folder, "a", "link"));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("reproducible layers", () => {
  it("have these very digests on the runtime that runs this test", async () => {
    assertEquals(await withFolder(reproducibleDigests), EXPECTED);
  });

  peerIt("have them on Node.js too", ["node 22.18"], async () => {
    const program = `import { reproducibleDigests } from ${
      JSON.stringify(join(top, "test/image/reproducible_layers.ts"))
    };
      console.log(JSON.stringify(await reproducibleDigests(process.argv[1])));`;
    const output = await withFolder((folder) =>
      runPeer("node 22.18", ["--import", standardModules(), "--input-type=module", "--eval", program, folder], {
        cwd: top,
      })
    );
    assertEquals(JSON.parse(output), EXPECTED);
  });

  it("can't be zstd", async () => {
    const tar = await tarOf({ a: "a" });
    const options = { compression: "zstd", reproducible: true } as const;
    await assertRejects(() => layerFromBytes(tar, options), TypeError, "zstd is not reproducible");
    assertThrows(() => streamLayer(streamOf(tar), options), TypeError, "zstd is not reproducible");
    const uncompressed = () => Promise.resolve(streamOf(tar));
    assertThrows(() => layerFromUncompressed({ uncompressed, ...options }), TypeError, "so take gzip");
  });
});
