// The soak: two servers in processes of their own over one store, clients that push, pull, tag and delete at a bounded
// rate, and garbage collections in both servers at once. In the end every image that should be there validates, none is
// there that should not, and the store holds no blob that no manifest names.
//
//   deno task soak                                 10 minutes over a directory, then 10 over S3
//   deno task soak --minutes 1 --store file        shorter, over one of file and s3

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
import { collectStoreGarbage, fileStore, type RegistryStore, s3Store } from "../../src/registry/mod.ts";
import { serveFetch } from "../../src/runtime/mod.ts";
import { FakeS3 } from "../fakes/fake_s3.ts";
import { programWords } from "../make/processes.ts";
import { Clients } from "./clients.ts";

const flags = parseArgs(process.argv.slice(2), { string: ["minutes", "store", "rate"] });
const minutes = Number(flags.minutes ?? 10);
const rate = Number(flags.rate ?? 20);
const stores: readonly string[] = flags.store === undefined ? ["file", "s3"] : [String(flags.store)];
const COLLECT_EVERY_MS = 3_000;
const PROGRAM = "test/soak/serve_program.ts";

for (const kind of stores) await soak(kind);

async function soak(kind: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gcrane_soak_"));
  const s3 = new FakeS3();
  const s3Server = await serveFetch((request) => s3.fetch(request));
  const where = kind === "file" ? `file:${folder}` : `s3:${s3Server.url}`;
  s3.keys.endpoint = s3Server.url;
  const store = kind === "file" ? fileStore(folder) : s3Store(s3.keys);
  const servers = await Promise.all([startServer(where), startServer(where)]);
  try {
    const clients = new Clients(servers.map(({ url }) => url));
    const end = Date.now() + minutes * 60_000;
    const report = setInterval(() => console.log(`${kind}: ${clients.summary()}, ${collected(servers)}`), 30_000);
    while (Date.now() < end) {
      clients.begin();
      await wait(1000 / rate);
    }
    clearInterval(report);
    await clients.settle();
    console.log(`${kind}: ${clients.summary()}, ${collected(servers)}`);
    await checkImages(clients, servers.map(({ url }) => url));
    await checkStore(store);
  } finally {
    for (const { stop } of servers) await stop();
    await s3Server.close();
    await rm(folder, { recursive: true, force: true });
  }
  const failures = servers.flatMap(({ said }) => said());
  if (failures.length > 0) throw new Error(`the servers said:\n${failures.join("\n")}`);
  console.log(`${kind}: all that should be there is, and nothing else`);
}

interface SoakServer {
  readonly url: string;
  readonly removed: { blobs: number; uploads: number; rounds: number };
  said(): string[];
  stop(): Promise<void>;
}

async function startServer(where: string): Promise<SoakServer> {
  const [command, ...words] = programWords(PROGRAM);
  const child = spawn(command, [...words, where, String(COLLECT_EVERY_MS)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr.on("data", (chunk) => said.push(String(chunk)));
  const lines = createInterface({ input: child.stdout });
  const [url] = await once(lines, "line");
  const removed = { blobs: 0, uploads: 0, rounds: 0 };
  lines.on("line", (line) => {
    const [, blobs, uploads] = line.split(" ");
    removed.rounds++;
    removed.blobs += Number(blobs);
    removed.uploads += Number(uploads);
  });
  const exited = once(child, "exit");
  return {
    url: String(url),
    removed,
    said: () => said,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
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

/** Once the grace is over, nothing is left that no manifest names. */
async function checkStore(store: RegistryStore): Promise<void> {
  const later = () => Date.now() + 3_600_000;
  await collectStoreGarbage(store, { grace: 60_000, uploadExpiry: 60_000, clock: later });
  const named = new Set<string>();
  for (const name of await store.records.list("repositories/")) {
    for (const key of await store.records.list(`repositories/${name}_manifests/`)) {
      const record = await store.records.get(`repositories/${name}_manifests/${key}`);
      for (const [digest] of new TextDecoder().decode(record).matchAll(/sha256:[0-9a-f]{64}/g)) named.add(digest);
    }
  }
  for await (const digest of store.blobs.list()) {
    if (!named.has(digest)) throw new Error(`${digest} is garbage and stayed`);
  }
  for await (const { id } of store.uploads.list()) throw new Error(`the upload ${id} stayed`);
  if ((await store.records.list("removals/")).length > 0) throw new Error("removals stayed");
}
