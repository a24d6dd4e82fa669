/**
 * A registry in memory with many repositories, served on two ports for measurements. Prints both ports, then waits to
 * be ended.
 *
 *     deno run -A test/bench/large_registry.ts REPOSITORIES MANIFESTS
 *
 * Each repository has the same number of manifests; one in five is an index of the four before it, which have no tags.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { createRegistry } from "../../src/registry/mod.ts";
import { serveFetch } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";

const [repositories, manifests] = process.argv.slice(2).map(Number);
const registry = createRegistry();

interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
}

function contentOf(value: unknown): Content {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}

async function send(method: string, path: string, body: Content, type: string): Promise<void> {
  const headers = { "content-type": type };
  const { status } = await registry.fetch(`http://registry/v2/${path}`, { method, headers, body: body.bytes });
  if (status !== 201) throw new Error(`${method} ${path}: ${status}`);
}

const config = contentOf({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });
const described = { mediaType: MediaType.OciConfig, digest: config.digest, size: config.bytes.length };

async function fill(repository: string, number: number): Promise<void> {
  await send("POST", `${repository}/blobs/uploads/?digest=${config.digest}`, config, "application/octet-stream");
  let members: { mediaType: string; digest: string; size: number }[] = [];
  for (let i = 1; i <= manifests / repositories; i++) {
    if (i % 5 !== 0) {
      const annotations = { repository: `${number}`, image: `${i}` };
      const image = contentOf({
        schemaVersion: 2,
        mediaType: MediaType.OciManifest,
        config: described,
        layers: [],
        annotations,
      });
      await send("PUT", `${repository}/manifests/${image.digest}`, image, MediaType.OciManifest);
      members.push({ mediaType: MediaType.OciManifest, digest: image.digest, size: image.bytes.length });
    } else {
      const index = contentOf({ schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: members });
      await send("PUT", `${repository}/manifests/v${i / 5}`, index, MediaType.OciImageIndex);
      members = [];
    }
  }
}

for (let i = 0; i < repositories; i++) await fill(`team-${i % 40}/service-${i}`, i);
const servers = await Promise.all(
  [0, 0].map((port) => serveFetch((request) => registry.fetch(request), { hostname: "127.0.0.1", port })),
);
console.log(servers.map(({ url }) => new URL(url).host).join(" "));
