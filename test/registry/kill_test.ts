import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { collectStoreGarbage, createRegistry, fileStore } from "../../src/registry/mod.ts";
import { codes, type Digest, digestOf, encode, IMAGE, RegistryClient } from "../contracts/registry_client.ts";
import { patterned } from "../contracts/store_contract.ts";
import { programWords } from "../make/processes.ts";
import { until } from "../make/waiting.ts";

const PROGRAM = "test/registry/serve_program.ts";
const HOUR = 3_600_000;
/** Each runtime is killed at every third change of the disk, and not at the same ones as the others. */
const STRIDE = 3;
const FIRST = "Deno" in globalThis ? 1 : "Bun" in globalThis ? 2 : 3;

describe("a registry on a disk that is killed while it is written to", () => {
  let disk: string;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), "gcrane_kill_"));
  });
  afterEach(async () => {
    await kill();
    await rm(disk, { recursive: true });
  });

  async function start(...dieAt: string[]): Promise<RegistryClient> {
    const [command, ...words] = programWords(PROGRAM);
    child = spawn(command, [...words, disk, ...dieAt], { stdio: ["ignore", "pipe", "inherit"] });
    const [base] = await once(createInterface({ input: child.stdout! }), "line");
    return new RegistryClient({ fetch, base });
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  it(
    "loses nothing that it took, and nothing that it shows is broken, whenever that is",
    { timeout: 120_000 },
    async () => {
      const taken = new Map<string, Digest>();
      const deleted = new Set<string>();
      for (let round = 0; round < 8; round++) {
        const client = await start();
        // Pushes of blobs and manifests, tags and deletes go on at once until the process is gone.
        const clients = [0, 1, 2].map(async (number) => {
          for (let i = 0;; i++) {
            const tag = `r${round}-${number}-${i}`;
            try {
              taken.set(tag, await push(client, tag));
              if (i % 3 !== 2) continue;
              taken.delete(tag);
              await client.send("DELETE", `/v2/kill/manifests/${tag}`);
              deleted.add(tag);
            } catch {
              return;
            }
          }
        });
        const wanted = taken.size + 2 + round * 2;
        await until(() => taken.size >= wanted);
        await kill();
        await Promise.all(clients);
        await check(taken, deleted);
      }
      const store = fileStore(disk);
      await collectStoreGarbage(store, { clock: () => Date.now() + 100 * HOUR });
      await check(taken, deleted);
      assertEquals(await Array.fromAsync(store.uploads.list()), []);
    },
  );

  it(
    "loses nothing either when that is right before a change of the disk, for each third change",
    { timeout: 600_000 },
    async () => {
      const taken = new Map<string, Digest>();
      const deleted = new Set<string>();
      let change = FIRST;
      for (let isOver = false; !isOver; change += STRIDE) {
        const client = await start(`${change}`);
        const tag = `change${change}`;
        try {
          taken.set(tag, await push(client, tag));
          await push(client, `${tag}-gone`);
          await client.send("DELETE", `/v2/kill/manifests/${tag}-gone`);
          deleted.add(`${tag}-gone`);
          isOver = true;
        } catch {
          await kill();
        }
        await check(taken, deleted);
      }
      assert(change > 30, `it makes only ${change} changes`);
    },
  );

  async function push(client: RegistryClient, seed: string): Promise<Digest> {
    const parts = [encode(`{"of":"${seed}"}`), patterned(20_000 + seed.length * 100)];
    const descriptors = [];
    for (const bytes of parts) {
      const upload = await client.startUpload("kill");
      await client.send("PATCH", upload, { body: bytes });
      const answer = await client.send("PUT", `${upload}?digest=${digestOf(bytes)}`);
      assertEquals(answer.status, 201);
      descriptors.push({ mediaType: "application/x-part", digest: digestOf(bytes), size: bytes.length });
    }
    const [config, layer] = descriptors;
    const body = encode(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config, layers: [layer] }));
    const answer = await client.send("PUT", `/v2/kill/manifests/${seed}`, { body, headers: { "Content-Type": IMAGE } });
    assertEquals(answer.status, 201);
    return digestOf(body);
  }

  async function check(taken: ReadonlyMap<string, Digest>, deleted: ReadonlySet<string>): Promise<void> {
    const { fetch } = createRegistry({ store: fileStore(disk) });
    const client = new RegistryClient({ fetch, base: "http://registry.example.com" });
    const { tags = [] } = JSON.parse((await client.send("GET", "/v2/kill/tags/list")).text);
    for (const tag of taken.keys()) assert(tags.includes(tag), `${tag} is lost`);
    for (const tag of tags) {
      assert(!deleted.has(tag), `${tag} is back`);
      const manifest = await client.send("GET", `/v2/kill/manifests/${tag}`);
      assertEquals(manifest.status, 200);
      if (taken.has(tag)) assertEquals(digestOf(manifest.bytes), taken.get(tag));
      const { config, layers } = JSON.parse(manifest.text);
      for (const { digest } of [config, ...layers]) {
        const blob = await client.send("GET", `/v2/kill/blobs/${digest}`);
        assertEquals([blob.status, digestOf(blob.bytes)], [200, digest]);
      }
    }
  }
});

describe("a registry on a disk that is full", () => {
  const title = "says so, keeps what it has, and goes on when there is room again";
  if (!canMount()) {
    it(`${title} [no leave to mount]`, { skip: true }, () => {});
    return;
  }

  it(title, async () => {
    const folder = await mkdtemp(join(tmpdir(), "gcrane_full_"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    try {
      const failures: unknown[] = [];
      const { fetch } = createRegistry({ store: fileStore(folder), onError: (error) => failures.push(error) });
      const client = new RegistryClient({ fetch, base: "http://registry.example.com" });
      const image = await client.pushImage("full", "image", "v1");
      const bytes = patterned(4_000_000);
      const digest = digestOf(bytes);
      const free = async () => {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      };
      const before = await free();
      const whole = await client.send("POST", `/v2/full/blobs/uploads/?digest=${digest}`, { body: bytes });
      const upload = await client.startUpload("full");
      const patch = await client.send("PATCH", upload, { body: bytes });
      for (const answer of [whole, patch]) assertEquals([answer.status, codes(answer)], [500, ["UNKNOWN"]]);
      assert(failures.every((error) => String(error).includes("ENOSPC")), String(failures));
      assertEquals((await client.send("GET", upload)).status, 404);
      assert(await free() > before - 100_000, "what did not fit was left behind");

      // A disk without room for a record either.
      const filler = patterned(await free() - 8192);
      await writeFile(join(folder, "filler"), filler);
      execFileSync("sh", ["-c", `cat /dev/zero >> ${join(folder, "filler")} 2>/dev/null || true`]);
      const put = await client.send("PUT", "/v2/full/manifests/v2", {
        body: (await client.send("GET", "/v2/full/manifests/v1")).bytes,
        headers: { "Content-Type": IMAGE },
      });
      assertEquals(put.status, 500);
      assertEquals(
        (await client.send("GET", "/v2/full/manifests/v1")).headers.get("Docker-Content-Digest"),
        image.digest,
      );
      assertEquals((await client.send("GET", "/v2/full/manifests/v2")).status, 404);
      await rm(join(folder, "filler"));
      await client.pushImage("full", "another", "v2");
      await client.pushImage("full", "image", "v1");
    } finally {
      execFileSync("umount", ["-l", folder]);
      await rm(folder, { recursive: true });
    }
  });
});

function canMount(): boolean {
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", tmpdir()], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
