// The soak: two servers in processes of their own over one store, clients that push, pull, tag and delete at a bounded
// rate and break off some reads, garbage collections in both servers at once, and every 20 seconds one of the servers is
// killed with SIGKILL and started again. In the end every image that was acknowledged and not deleted validates, no other
// is there, and the store holds no blob that no manifest names.
//
//   deno task soak                                 10 minutes over a directory, then 10 over moto's S3
//   deno task soak --minutes 1 --store disk        shorter, over one of disk, moto, and s3, a stand-in in this process
//   deno task soak --kill-every 5                  kills more often; 0 is never

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "@std/cli/parse-args";
import { collectStoreGarbage, type RegistryStore } from "../../src/registry/mod.ts";
import { serveFetch } from "../../src/runtime/mod.ts";
import { FakeS3 } from "../fakes/fake_s3.ts";
import { programWords } from "../make/processes.ts";
import { moto } from "../peers/mod.ts";
import { Clients } from "./clients.ts";
import { openStore, type StorePlace } from "./stores.ts";

const flags = parseArgs(process.argv.slice(2), { string: ["minutes", "store", "rate", "kill-every"] });
const minutes = Number(flags.minutes ?? 10);
const killEvery = Number(flags["kill-every"] ?? 20);
const kinds: readonly string[] = flags.store === undefined ? ["disk", "moto"] : [String(flags.store)];
/** What the servers and their clients do. */
const LOAD = {
  /** How many things begin in a second, and how many are under way at most. */
  rate: 20,
  running: 30,
  /** The tags of a repository. */
  tags: 12,
  /** The milliseconds between the collections of a server. */
  pause: 1_000,
};
/** Over moto, which makes one call at a time, a collection must leave calls to the clients. */
const LOADS: Readonly<Record<string, typeof LOAD>> = { moto: { rate: 3, running: 6, tags: 4, pause: 5_000 } };
const PROGRAM = "test/soak/serve_program.ts";

for (const kind of kinds) await soak(kind);

async function soak(kind: string): Promise<void> {
  const load = LOADS[kind] ?? LOAD;
  const rate = Number(flags.rate ?? load.rate);
  const { place, stop: stopStore } = await startStore(kind);
  const servers = await Promise.all([startServer(place, load.pause), startServer(place, load.pause)]);
  const live = () => servers.filter(({ isLive }) => isLive()).map(({ url }) => url);
  const clients = new Clients(live, load);
  let kills = 0;
  const summary = () => `${kind}: ${kills} kills, ${clients.summary()}, ${collected(servers)}`;
  const report = setInterval(() => console.log(summary()), 30_000);
  try {
    const end = Date.now() + minutes * 60_000;
    let nextKill = killEvery > 0 ? Date.now() + killEvery * 1000 : Infinity;
    let restarting: Promise<void> = Promise.resolve();
    while (Date.now() < end) {
      if (Date.now() >= nextKill) {
        nextKill = Infinity; // until the server is back: a busy machine may take longer to start it
        restarting = servers[kills++ % servers.length].restart().then(() => {
          nextKill = Date.now() + killEvery * 1000;
        });
      }
      clients.begin();
      await wait(1000 / rate);
    }
    await restarting;
    await clients.settle();
    console.log(summary());
    await checkImages(clients, live());
    await checkStore(openStore(place));
  } catch (error) {
    throw new Error(`${kind}: the servers reported:\n${servers.flatMap(({ output }) => output()).join("\n")}`, {
      cause: error,
    });
  } finally {
    clearInterval(report);
    for (const { stop } of servers) await stop();
    await stopStore();
  }
  const failures = servers.flatMap(({ output }) => output());
  if (failures.length > 0) throw new Error(`the servers reported:\n${failures.join("\n")}`);
  console.log(`${kind}: all that should be there is, and nothing else`);
}

/** Starts an empty store of a kind. */
async function startStore(kind: string): Promise<{ place: StorePlace; stop(): Promise<void> }> {
  switch (kind) {
    case "disk": {
      const folder = await mkdtemp(join(tmpdir(), "gcrane_soak_"));
      return { place: { disk: folder }, stop: () => rm(folder, { recursive: true, force: true }) };
    }
    case "moto": {
      const { options, stop } = await moto();
      return { place: { s3: options }, stop };
    }
    case "s3": {
      const s3 = new FakeS3();
      const server = await serveFetch((request) => s3.fetch(request));
      s3.keys.endpoint = server.url;
      return { place: { s3: s3.keys }, stop: () => server.close() };
    }
    default:
      throw new Error(`--store ${kind} is none of disk, moto, s3`);
  }
}

interface SoakServer {
  /** Its URL, another one after each start. */
  readonly url: string;
  readonly removed: { blobs: number; uploads: number; rounds: number };
  /** Returns whether it takes requests. */
  isLive(): boolean;
  /** Returns what it wrote to standard error. */
  output(): string[];
  /** Kills it and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function startServer(place: StorePlace, pause: number): Promise<SoakServer> {
  const [command, ...words] = programWords(PROGRAM);
  const output: string[] = [];
  const removed = { blobs: 0, uploads: 0, rounds: 0 };
  const start = async () => {
    const child = spawn(command, [...words, JSON.stringify(place), String(pause)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    child.stderr.on("data", (chunk) => output.push(String(chunk)));
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([once(lines, "line"), exited.then(() => undefined)]);
    if (first === undefined) throw new Error(`a server does not start:\n${output.join("\n")}`);
    lines.on("line", (line) => {
      const [, blobs, uploads] = line.split(" ");
      removed.rounds++;
      removed.blobs += Number(blobs);
      removed.uploads += Number(uploads);
    });
    const kill = async () => {
      child.kill("SIGKILL");
      await exited;
    };
    return { url: String(first[0]), kill };
  };
  let running = await start();
  let live = true;
  return {
    get url() {
      return running.url;
    },
    removed,
    isLive: () => live,
    output: () => output,
    async restart() {
      await running.kill();
      live = false;
      running = await start();
      live = true;
    },
    stop: () => running.kill(),
  };
}

function collected(servers: readonly SoakServer[]): string {
  const sum = (key: "blobs" | "uploads" | "rounds") => servers.reduce((total, { removed }) => total + removed[key], 0);
  return `${sum("rounds")} collections removed ${sum("blobs")} blobs and ${sum("uploads")} uploads`;
}

/** Every tag, on both servers, is what the clients know of it, and whole. */
async function checkImages(clients: Clients, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    for (const [name, tags] of clients.expected()) {
      const list = await (await fetch(`${url}/v2/${name}/tags/list`)).json();
      const actual = [...list.tags ?? []].sort().join(" ");
      const wanted = [...tags.keys()].sort().join(" ");
      if (actual !== wanted) throw new Error(`${name} has the tags ${actual}, and not ${wanted}`);
      for (const [tag, digest] of tags) {
        const manifest = await fetch(`${url}/v2/${name}/manifests/${tag}`, { method: "HEAD" });
        const found = manifest.headers.get("Docker-Content-Digest");
        if (found !== digest) throw new Error(`${name}:${tag} is ${found}, and not ${digest}`);
        await validateImage(url, name, digest);
      }
    }
  }
}

/** Reads all of an image and hashes it. */
async function validateImage(url: string, name: string, digest: string): Promise<void> {
  const manifest = new Uint8Array(await (await fetch(`${url}/v2/${name}/manifests/${digest}`)).arrayBuffer());
  assertDigest(manifest, digest, name);
  const { config, layers } = JSON.parse(new TextDecoder().decode(manifest));
  for (const part of [config, ...layers]) {
    const blob = await fetch(`${url}/v2/${name}/blobs/${part.digest}`);
    assertDigest(new Uint8Array(await blob.arrayBuffer()), part.digest, `${name}@${digest}`);
  }
}

function assertDigest(bytes: Uint8Array, digest: string, what: string): void {
  const actual = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (actual !== digest) throw new Error(`${what}: ${digest} is ${actual}`);
}

/**
 * Once the grace is over, nothing is left that no manifest names. A removal gives up after some seconds, as it may over a
 * slow store, and leaves its blobs to the next collection, so several are made.
 */
async function checkStore(store: RegistryStore): Promise<void> {
  const later = () => Date.now() + 3_600_000;
  let left: string[] = [];
  for (let round = 0; round < 5; round++) {
    await collectStoreGarbage(store, { grace: 60_000, uploadExpiry: 60_000, clock: later });
    left = await garbageOf(store);
    if (left.length === 0) return;
  }
  throw new Error(`garbage stayed: ${left.join(", ")}`);
}

/** Lists the blobs that no manifest names, uploads, and the records of removals. */
async function garbageOf(store: RegistryStore): Promise<string[]> {
  const named = new Set<string>();
  for (const name of await store.records.list("repositories/")) {
    for (const key of await store.records.list(`repositories/${name}_manifests/`)) {
      const record = await store.records.get(`repositories/${name}_manifests/${key}`);
      for (const [digest] of new TextDecoder().decode(record).matchAll(/sha256:[0-9a-f]{64}/g)) named.add(digest);
    }
  }
  const left: string[] = [];
  for await (const digest of store.blobs.list()) if (!named.has(digest)) left.push(digest);
  for await (const { id } of store.uploads.list()) left.push(`the upload ${id}`);
  for (const path of await store.records.list("removals/")) left.push(`removals/${path}`);
  return left;
}
