import { assertEquals, assertMatch } from "@std/assert";
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createRegistry, fileStore } from "../../../src/registry/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { inWorld, type World } from "../../make/command_world.ts";

/** A registry with an image and a blob that nothing names, both of them two days old; the digest of that blob. */
async function withGarbage(world: World): Promise<{ path: string; digest: string }> {
  const path = world.path("registry");
  const clock = () => Date.now() - 48 * 3_600_000;
  const { fetch } = createRegistry({ store: fileStore(path), clock });
  const client = new RegistryClient({ fetch, base: "http://registry.example.com" });
  await client.pushImage("app", "image", "v1");
  const digest = await client.pushBlob("app", "of no use");
  for (const name of readdirSync(join(path, "blobs"), { recursive: true })) {
    utimesSync(join(path, "blobs", String(name)), new Date(clock()), new Date(clock()));
  }
  return { path, digest };
}

describe("gcrane registry gc", () => {
  it("prints the digests that it removes, and says how much that was", () =>
    inWorld(async (world) => {
      const { path, digest } = await withGarbage(world);
      const would = await world.gcrane(`registry gc --dry-run --disk ${path}`);
      assertEquals([would.code, would.out], [0, `${digest}\n`]);
      assertEquals(would.err, "would remove 1 blob, 9 B, and 0 abandoned uploads\n");
      const young = await world.gcrane(`registry gc --disk ${path} --grace 3d`);
      const kept = "What was added in the last 3d is kept: --grace sets another time\n";
      assertEquals([young.out, young.err], ["", `removed 0 blobs, 0 B, and 0 abandoned uploads\n${kept}`]);
      const { code, out, err } = await world.gcrane(`registry gc --disk ${path}`);
      assertEquals([code, out, err], [0, `${digest}\n`, "removed 1 blob, 9 B, and 0 abandoned uploads\n"]);
      assertEquals((await world.gcrane(`registry gc --disk ${path} --grace 0`)).out, "");
    }));

  it("wants to know one store, and the keys of a bucket", () =>
    inWorld(async (world) => {
      const wrong: [string, RegExp][] = [
        ["registry gc", /^Error: name a store with --disk or --s3\n/],
        ["registry gc --disk missing/store", /^Error: --disk names missing\/store, which does not exist\n/],
        ["registry gc --disk a --s3 http://127.0.0.1:1/b", /^Error: --disk and --s3 exclude each other\n/],
        ["registry gc --disk a --grace 24", /^Error: --grace: "24" is not a duration — for example 90s, /],
        ["registry gc --s3 s3.example.com/b", /^Error: --s3 s3\.example\.com\/b is not ENDPOINT\/BUCKET — for example/],
        ["registry gc --s3 https://me:secret@s3.example.com/b", /^Error: --s3 https:\/\/s3\.example\.com\/b is not/],
      ];
      for (const [line, message] of wrong) {
        const { code, out, err } = await world.gcrane(line);
        assertEquals([code, out], [2, ""]);
        assertMatch(err, message);
      }
      const environment = {
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_SHARED_CREDENTIALS_FILE: "/no",
        AWS_CONFIG_FILE: "/no",
      };
      const { code, err } = await world.gcrane("registry gc --s3 http://127.0.0.1:1/b", { environment });
      assertEquals(
        [code, err.endsWith("has keys — set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n")],
        [1, true],
        err,
      );
    }));
});
