import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { gzipSync } from "node:zlib";
import { assertEquals } from "@std/assert";
import { type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { CONFIG, encode, IMAGE, INDEX, LAYER } from "../contracts/registry_client.ts";
import { describePeer, skopeo } from "../peers/mod.ts";

describePeer("a registry that skopeo uses", ["skopeo"], () => {
  let folder: string;
  let server: RegistryServer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gcrane_skopeo_"));
    server = await serveRegistry({ disk: join(folder, "disk") });
  });
  after(async () => {
    await server.shutdown();
    await rm(folder, { recursive: true });
  });

  it("gives an image and an index back as they came, from another repository too", async () => {
    const source = join(folder, "source");
    const { image, index } = await writeLayout(source);
    const host = `${server.hostname}:${server.port}`;
    const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    for (const [tag, digest, all] of [["image", image, []], ["index", index, ["--all"]]] as const) {
      await skopeo("copy", ...all, ...tls, `oci:${source}:${tag}`, `docker://${host}/one/from:${tag}`);
      await skopeo("copy", ...all, ...tls, `docker://${host}/one/from:${tag}`, `docker://${host}/two/to:${tag}`);
      const target = join(folder, tag);
      await skopeo("copy", ...all, ...tls, `docker://${host}/two/to:${tag}`, `oci:${target}:${tag}`);
      const { manifests } = JSON.parse(await readFile(join(target, "index.json"), "utf8"));
      assertEquals(manifests.map((each: { digest: string }) => each.digest), [digest]);
      for (const name of await readdir(join(target, "blobs", "sha256"))) {
        const bytes = await readFile(join(target, "blobs", "sha256", name));
        assertEquals(new Uint8Array(bytes), new Uint8Array(await readFile(join(source, "blobs", "sha256", name))));
      }
    }
    const tags = JSON.parse(await skopeo("list-tags", "--tls-verify=false", `docker://${host}/two/to`));
    assertEquals(tags.Tags, ["image", "index"]);
    const inspected = JSON.parse(await skopeo("inspect", "--tls-verify=false", `docker://${host}/two/to:image`));
    assertEquals(inspected.Digest, image);
    await skopeo("delete", "--tls-verify=false", `docker://${host}/two/to:image`);
    const left = JSON.parse(await skopeo("list-tags", "--tls-verify=false", `docker://${host}/two/to`));
    assertEquals(left.Tags, ["index"]);
  });
});

/** Writes a layout with an image and with an index of it and another, and gives their digests. */
async function writeLayout(folder: string): Promise<{ image: string; index: string }> {
  const blobs = join(folder, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const add = async (mediaType: string, bytes: Uint8Array) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (mediaType: string, value: object) => add(mediaType, encode(JSON.stringify(value)));
  const images = [];
  for (const architecture of ["amd64", "arm64"]) {
    const tar = new Uint8Array(architecture === "amd64" ? 1024 : 10_240); // an empty archive is zeros
    const diffIds = [`sha256:${createHash("sha256").update(tar).digest("hex")}`];
    const rootfs = { type: "layers", diff_ids: diffIds };
    const config = await json(CONFIG, { architecture, os: "linux", config: {}, rootfs, history: [{}] });
    const layers = [await add(LAYER, gzipSync(tar))];
    const image = await json(IMAGE, { schemaVersion: 2, mediaType: IMAGE, config, layers });
    images.push({ ...image, platform: { architecture, os: "linux" } });
  }
  const index = await json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: images });
  const named = (descriptor: object, name: string) => ({
    ...descriptor,
    annotations: { "org.opencontainers.image.ref.name": name },
  });
  await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const manifests = [named(images[0], "image"), named(index, "index")];
  await writeFile(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  return { image: images[0].digest, index: index.digest };
}
