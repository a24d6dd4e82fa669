// Moves a layer of 300 MiB in a process of its own and prints by how many bytes that grew at most.

import { createHash } from "node:crypto";
import process from "node:process";
import { type Layer, layerFromCompressed } from "../../../src/image/mod.ts";
import { drain } from "../../../src/io/mod.ts";
import { parseRepository } from "../../../src/name/mod.ts";
import { Puller, Pusher } from "../../../src/remote/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../../src/runtime/mod.ts";
import { type Hash, MediaType } from "../../../src/spec/mod.ts";
import { FakeRegistry, fakeServer } from "../../fakes/mod.ts";

const SIZE = 300 << 20;
const CHUNK: Bytes = new Uint8Array(65536).fill(7);

/** The layer's bytes, which leave nothing to collect. */
function content(): ByteStream {
  let left = SIZE;
  return pullStream({
    read() {
      if (left === 0) return undefined;
      left -= CHUNK.length;
      return CHUNK;
    },
  });
}

function digest(): Hash {
  const hash = createHash("sha256");
  for (let left = SIZE; left > 0; left -= CHUNK.length) hash.update(CHUNK);
  return `sha256:${hash.digest("hex")}`;
}

const registry = new FakeRegistry({ keeps: false, mount: false });
const server = await fakeServer(registry.handle);
const pusher = new Pusher();
const [from, to] = ["from", "to"].map((name) => parseRepository(`${server.host}/${name}`));
const descriptor = { mediaType: MediaType.OciLayer, digest: digest(), size: SIZE };
const headers = { "content-type": "application/octet-stream" };
registry.on("HEAD", /\/from\/blobs/, () => ({ status: 200, headers, length: SIZE }), 9);
registry.on("GET", /\/from\/blobs/, () => ({ status: 200, headers, body: content(), length: SIZE }), 9);

const made: Layer = layerFromCompressed({ descriptor, compressed: () => Promise.resolve(content()) });
const remote = await new Puller({ client: pusher.client }).layer(from.digest(descriptor.digest));
const ways: Record<string, () => Promise<unknown>> = {
  pushed: () => pusher.upload(to, made),
  "pushed with its length": () => {
    registry.on("PATCH", /./, () => ({ status: 405, headers: { connection: "close" } }));
    return pusher.upload(to, made);
  },
  pulled: async () => await drain(await remote.compressed()),
  copied: () => pusher.upload(to, remote),
};

const before = process.memoryUsage().rss;
let most = before;
const timer = setInterval(() => most = Math.max(most, process.memoryUsage().rss), 20);
await ways[process.argv[2]]();
clearInterval(timer);
console.log(Math.max(most, process.memoryUsage().rss) - before);
await server.close();
process.exit(0);
