/**
 * Shows that our registry's memory does not grow with the size of a blob: the peak of the server, over a disk and over
 * S3, when an image with a small layer and one with a large layer have been pushed to it and pulled from it.
 *
 *     deno task bench:registry-memory [--mb N]
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { serveFetch } from "../../src/runtime/mod.ts";
import { FakeS3 } from "../fakes/fake_s3.ts";
import { peakOf } from "../make/memory.ts";
import { run } from "./measure.ts";
import { ownServers } from "./registry_servers.ts";
import { randomLayer } from "./sample_image.ts";
import { tools } from "./tools.ts";

const { values: flags } = parseArgs({ options: { mb: { type: "string", default: "1024" } } });
const SMALL = 16;
const LARGE = Number(flags.mb);
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gcrane_memory_"));

/** Where a server keeps its content. */
interface Place {
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  remove(): Promise<void> | void;
}

function onDisk(): Place {
  const disk = mkdtempSync(join(folder, "disk_"));
  return { flags: ["--disk", disk], remove: () => rmSync(disk, { recursive: true }) };
}

async function inBucket(): Promise<Place> {
  const s3 = new FakeS3();
  const server = await serveFetch((request) => s3.fetch(request));
  s3.keys.endpoint = server.url;
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = s3.keys;
  return {
    flags: ["--s3", new URL(bucket, endpoint).href, "--s3-region", region],
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    remove: () => server.close(),
  };
}

/** The most memory that a server has held after a push and a pull of each image, in MB. */
async function peaks(start: ReturnType<typeof ownServers>[number]["start"], place: Place): Promise<number[]> {
  const server = await start(place.flags, place.env);
  const found = [peakOf(server.pid) ?? 0];
  try {
    const [client] = tools();
    const words = client.commands.ls!({ place: { source: "", target: "", folder }, name: "" }).slice(0, -2);
    for (const size of [SMALL, LARGE]) {
      const image = `${server.host}/bench/of-${size}:v1`;
      const tarball = randomLayer(folder, size);
      await run([...words, "append", "--compression", "none", "-f", tarball, "-t", image]);
      await run([...words, "validate", "--remote", image]);
      rmSync(tarball);
      found.push(peakOf(server.pid) ?? 0);
    }
    return found;
  } finally {
    await server.stop();
    await place.remove();
  }
}

try {
  console.log(`peak memory of the server in MB: idle, with a layer of ${SMALL} MB, with one of ${LARGE} MB`);
  for (const { name, start } of ownServers()) {
    for (const [store, make] of [["disk", onDisk], ["S3", inBucket]] as const) {
      const found = await peaks(start, await make());
      console.log(`${name.padEnd(12)} ${store.padEnd(6)} ${found.map((mb) => mb.toFixed(0).padStart(6)).join("")}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
