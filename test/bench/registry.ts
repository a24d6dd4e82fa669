/**
 * Times our registry, on Deno and on Bun and on a disk each, against docker-registry and, where it is on PATH, Go's
 * `registry`, side by side in one run. Prints seconds, or requests in a second, ratios and peak memory.
 *
 *     deno task bench:registry [--runs N] [--mb N] [--only WORD,WORD] [--servers WORD,WORD]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createHash, randomBytes } from "node:crypto";
import { peakOf } from "../make/memory.ts";
import { SETTLED_AGE } from "../../src/registry/stores/file/verified_files.ts";
import { median } from "./measure.ts";
import { ask, type Connections } from "./load.ts";
import { type BenchServer, servers } from "./registry_servers.ts";
import { copyRepositories, copyTags } from "./registry_totals.ts";

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values: flags } = parseArgs({
  options: {
    runs: text("3"),
    mb: text("1000"),
    only: text("push,pull,small,tags,manifest,page,delete"),
    servers: text(""),
  },
});
const LAYERS = 8;
const SMALL = 64 * 1024;
const CONNECTIONS = 64;

/** A blob in a file. */
interface Blob {
  readonly file: string;
  readonly digest: string;
  readonly size: number;
}

/** What one piece of work came to: seconds, or a rate. */
interface Work {
  readonly name: string;
  readonly unit: "s" | "/s";
  readonly run: (host: string, round: number, connections: Connections, server: BenchServer) => Promise<number>;
  /** Whether it needs what only some servers have: tags on their disk, referrers. */
  readonly isFor?: (server: BenchServer) => boolean;
}

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gcrane_bench_"));

/** Writes a file of noise, and gives what it is as a blob. */
function noiseFile(name: string, size: number): Blob {
  const file = join(folder, name);
  const hash = createHash("sha256");
  const output = openSync(file, "w");
  for (let left = size; left > 0; left -= 4_000_000) {
    const part = randomBytes(Math.min(left, 4_000_000));
    hash.update(part);
    writeSync(output, part);
  }
  closeSync(output);
  return { file, digest: `sha256:${hash.digest("hex")}`, size };
}

/** Runs curl, whose own work is little, to its end. */
async function curl(...words: string[]): Promise<void> {
  const child = spawn("curl", ["--silent", "--show-error", "--fail", "--output", "/dev/null", ...words], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`curl ${words.join(" ")} ended with ${code}`);
}

async function uploadUrl(host: string, repository: string, connections: Connections): Promise<string> {
  const { headers } = await ask(connections, { method: "POST", url: `http://${host}/v2/${repository}/blobs/uploads/` });
  return new URL(String(headers.location), `http://${host}`).href;
}

const withDigest = (url: string, digest: string) => `${url}${url.includes("?") ? "&" : "?"}digest=${digest}`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Does `count` things, as many at a time as there are connections, and gives how many in a second. */
async function rate(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const seconds = await timed(() =>
    Promise.all(Array.from({ length: CONNECTIONS }, async () => {
      while (next < count) await work(next++);
    }))
  );
  return count / seconds;
}

const layers = Array.from({ length: LAYERS }, (_, i) => noiseFile(`layer${i}`, Number(flags.mb) * 1e6 / LAYERS));
const IMAGE = "application/vnd.oci.image.manifest.v1+json";

async function putBlob(host: string, repository: string, body: Uint8Array, connections: Connections): Promise<string> {
  const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
  const url = withDigest(await uploadUrl(host, repository, connections), digest);
  await ask(connections, { method: "PUT", url, body });
  return digest;
}

/** Pushes images, each under a reference or its digest. */
async function putImages(
  host: string,
  repository: string,
  images: readonly { readonly tag?: string; readonly fields?: Readonly<Record<string, unknown>> }[],
  connections: Connections,
): Promise<{ digest: string; size: number }[]> {
  const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: "", size: 2 };
  config.digest = await putBlob(host, repository, new TextEncoder().encode("{}"), connections);
  const put: { digest: string; size: number }[] = [];
  await rate(images.length, async (index) => {
    const { tag, fields } = images[index];
    const manifest = { schemaVersion: 2, mediaType: IMAGE, config, layers: [config], ...fields };
    const body = new TextEncoder().encode(JSON.stringify(manifest));
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    put[index] = { digest, size: body.length };
    const url = `http://${host}/v2/${repository}/manifests/${tag ?? digest}`;
    await ask(connections, { method: "PUT", url, body, headers: { "content-type": IMAGE } });
  });
  return put;
}

async function putManifests(host: string, repository: string, tags: string[], connections: Connections): Promise<void> {
  await putImages(host, repository, tags.map((tag) => ({ tag })), connections);
}

const isOnDisk = ({ kind }: BenchServer) => kind !== "crane";
/** The servers whose repository of many tags is there. */
const tagged = new Set<string>();

/** Makes a server have a repository of 100,000 tags. */
async function withManyTags(host: string, connections: Connections, server: BenchServer): Promise<void> {
  if (tagged.has(host)) return;
  tagged.add(host);
  await putManifests(host, "many-tags", ["v0"], connections);
  copyTags(server, "many-tags", 100_000);
}

const tagsPage = (host: string, round: number) => `http://${host}/v2/many-tags/tags/list?n=100&last=v${round + 1}5`;

const works: Work[] = [
  {
    name: `push ${flags.mb} MB, 8 layers at once`,
    unit: "s",
    run: async (host, round, connections) => {
      const urls = await Promise.all(layers.map(() => uploadUrl(host, `push${round}`, connections)));
      return await timed(() =>
        Promise.all(
          layers.map(({ file, digest }, i) =>
            curl(
              "--upload-file",
              file,
              "--header",
              "Content-Type: application/octet-stream",
              withDigest(urls[i], digest),
            )
          ),
        )
      );
    },
  },
  {
    name: `pull ${flags.mb} MB, 8 layers at once`,
    unit: "s",
    run: async (host, round) =>
      await timed(() =>
        Promise.all(layers.map(({ digest }) => curl("--location", `http://${host}/v2/push${round}/blobs/${digest}`)))
      ),
  },
  {
    name: "small blobs of 64 KB pushed, 64 connections",
    unit: "/s",
    run: async (host, round, connections) => {
      const blobs = Array.from({ length: 1000 }, () => randomBytes(SMALL));
      return await rate(blobs.length, (index) => putBlob(host, `small${round}`, blobs[index], connections));
    },
  },
  {
    name: "small blobs of 64 KB pulled, 64 connections",
    unit: "/s",
    run: async (host, round, connections) => {
      const digest = await putBlob(host, `small${round}`, randomBytes(SMALL), connections);
      const url = `http://${host}/v2/small${round}/blobs/${digest}`;
      return await rate(3000, () => ask(connections, { method: "GET", url }));
    },
  },
  {
    name: "tags, list of 10,000",
    unit: "s",
    run: async (host, round, connections, server) => {
      if (round === 0) {
        const tags = Array.from({ length: isOnDisk(server) ? 1 : 10_000 }, (_, i) => `v${i}`);
        await putManifests(host, "tags", tags, connections);
        if (isOnDisk(server)) copyTags(server, "tags", 10_000);
      }
      return await timed(() => ask(connections, { method: "GET", url: `http://${host}/v2/tags/tags/list` }));
    },
  },
  {
    name: "manifest by tag, 64 connections",
    unit: "/s",
    run: async (host, round, connections) => {
      if (round === 0) await putManifests(host, "manifest", ["v1"], connections);
      const url = `http://${host}/v2/manifest/manifests/v1`;
      return await rate(3000, () => ask(connections, { method: "GET", url, headers: { accept: IMAGE } }));
    },
  },
  {
    name: "page of 100 of 100,000 tags, right after a push",
    unit: "s",
    isFor: isOnDisk,
    run: async (host, round, connections, server) => {
      await withManyTags(host, connections, server);
      await putImages(host, "many-tags", [{ tag: `pushed${round}` }], connections);
      return await timed(() => ask(connections, { method: "GET", url: tagsPage(host, round) }));
    },
  },
  {
    name: "page of 100 of 100,000 tags, a further one",
    unit: "s",
    isFor: isOnDisk,
    run: async (host, round, connections, server) => {
      await withManyTags(host, connections, server);
      await wait(SETTLED_AGE + 100);
      await ask(connections, { method: "GET", url: tagsPage(host, round) });
      return await timed(() => ask(connections, { method: "GET", url: tagsPage(host, round + 1) }));
    },
  },
  {
    name: "delete by digest of a repository with 100,000 tags",
    unit: "s",
    isFor: isOnDisk,
    run: async (host, round, connections, server) => {
      await withManyTags(host, connections, server);
      const image = { tag: `deleted${round}`, fields: { annotations: { round: String(round) } } };
      const [{ digest }] = await putImages(host, "many-tags", [image], connections);
      const url = `http://${host}/v2/many-tags/manifests/${digest}`;
      return await timed(() => ask(connections, { method: "DELETE", url }));
    },
  },
  {
    name: "page of 100 of 20,000 repositories",
    unit: "s",
    isFor: isOnDisk,
    run: async (host, round, connections, server) => {
      if (round === 0) {
        await putManifests(host, "many/r0", ["v0"], connections);
        copyRepositories(server, "many", 20_000);
      }
      const url = `http://${host}/v2/_catalog?n=100&last=many/r${round + 1}5`;
      return await timed(() => ask(connections, { method: "GET", url }));
    },
  },
  {
    name: "page of 1,000 of 5,000 referrers",
    unit: "s",
    isFor: ({ kind }) => kind === "ours", // docker-registry has no such list
    run: async (host, round, connections) => {
      const [{ digest, size }] = await putImages(host, "referrers", [{ tag: "subject" }], connections);
      if (round === 0) {
        const subject = { mediaType: IMAGE, digest, size };
        const fields = Array.from({ length: 5000 }, (_, i) => ({ subject, annotations: { number: String(i) } }));
        await putImages(host, "referrers", fields.map((fields) => ({ fields })), connections);
      }
      const url = `http://${host}/v2/referrers/referrers/${digest}`;
      return await timed(() => ask(connections, { method: "GET", url }));
    },
  },
];

/** Runs a piece of work on each server in turn, again and again, so that a change of the machine's speed hits all. */
async function measure(work: Work, all: readonly BenchServer[]): Promise<void> {
  const running = work.isFor ? all.filter(work.isFor) : all;
  const values = new Map(running.map((server) => [server, [] as number[]]));
  for (let round = 0; round < Number(flags.runs); round++) {
    for (const server of running) {
      const connections = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
      values.get(server)!.push(await work.run(server.host, round, connections, server));
      connections.destroy();
    }
  }
  console.log(work.name);
  const peer = values.get(running.find(({ kind }) => kind !== "ours")!);
  for (const [server, measured] of values) {
    const value = median(measured);
    const ratio = peer ? work.unit === "s" ? value / median(peer) : median(peer) / value : NaN;
    const shown = work.unit === "s" ? `${value.toFixed(3)} s` : `${value.toFixed(0)}/s`;
    const memory = `${(peakOf(server.pid) ?? 0).toFixed(0)} MB`;
    console.log(
      `  ${server.name.padEnd(18)}${shown.padStart(10)}${`× ${ratio.toFixed(2)}`.padStart(10)}${memory.padStart(10)}`,
    );
  }
}

const running: BenchServer[] = [];
try {
  const named = flags.servers.split(",").filter(Boolean);
  for (const { name, start } of servers()) {
    if (named.length === 0 || named.some((word) => name.includes(word))) running.push(await start(join(folder, name)));
  }
  console.log("median of each; × is the time as a multiple of the first peer's; the most memory so far\n");
  const words = flags.only.split(",");
  for (const work of works.filter(({ name }) => words.some((word) => name.startsWith(word)))) {
    await measure(work, running);
  }
} finally {
  await Promise.all(running.map(({ stop }) => stop()));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
