import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { registryContract } from "../contracts/registry_contract.ts";
import { assertRefused, digestOf, encode, RegistryClient, withQuery } from "../contracts/registry_client.ts";
import { patterned } from "../contracts/store_contract.ts";
import { bundleForWeb, describePeer, type NodeProgram, workerd } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";

const MIB = 1024 * 1024;

async function startWorker(options: { flags?: string[]; bindings?: Record<string, string> } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "gcrane_worker_"));
  const script = join(folder, "worker.js");
  await bundleForWeb("src/registry/worker.ts", { file: script });
  const program = await workerd(script, { r2: join(folder, "r2"), ...options });
  const close = async () => {
    await program.stop();
    await rm(folder, { recursive: true });
  };
  // Cloudflare compresses JSON for clients that accept it, and then drops its length. workerd closes a connection on
  // which it did not read the whole body, and Bun would send the next request on it.
  const plain = (input: string, init: RequestInit = {}) =>
    fetch(input, { ...init, keepalive: false, headers: { ...init.headers, "Accept-Encoding": "identity" } });
  return { program, base: program.url, fetch: plain, close };
}

describePeer("the Worker under workerd", ["miniflare"], () => {
  registryContract("with node:crypto", () => startWorker({ bindings: { GCRANE_REGISTRY_PAGE: "false" } }));

  describe("without node:crypto", () => {
    let worker: Awaited<ReturnType<typeof startWorker>>;
    let client: RegistryClient;
    before(async () => {
      worker = await startWorker({ flags: [] });
      client = new RegistryClient(worker);
    });
    after(() => worker.close());

    it("takes and gives images", async () => {
      const { digest } = await client.pushImage("plain", "image", "v1");
      assertEquals((await client.send("GET", "/v2/plain/manifests/v1")).headers.get("Docker-Content-Digest"), digest);
      const bytes = patterned(10 * MIB);
      const blob = await client.pushBlob("plain", bytes, "sha512");
      assertEquals(digestOf((await client.send("GET", `/v2/plain/blobs/${blob}`)).bytes, "sha512"), blob);
      const part = await client.send("GET", `/v2/plain/blobs/${blob}`, { headers: { Range: "bytes=9000000-9000009" } });
      assertEquals([part.status, part.bytes], [206, bytes.slice(9_000_000, 9_000_010)]);
    });

    it("goes on with an upload in chunks of any size", async () => {
      const bytes = patterned(21 * MIB);
      const upload = await client.startUpload("chunks");
      for (let at = 0; at < bytes.length; at += 5 * MIB) {
        const body = bytes.slice(at, at + 5 * MIB);
        const headers = { "Content-Range": `${at}-${at + body.length - 1}` };
        assertEquals((await client.send("PATCH", upload, { body, headers })).status, 202);
      }
      const digest = digestOf(bytes);
      assertEquals((await client.send("PUT", withQuery(upload, `digest=${digest}`))).status, 201);
      assertEquals(digestOf((await client.send("GET", `/v2/chunks/blobs/${digest}`)).bytes), digest);
    });

    it("refuses wrong bytes, and keeps nothing of them", async () => {
      const upload = await client.startUpload("wrong");
      const url = withQuery(upload, `digest=${digestOf(encode("right"))}`);
      assertRefused(await client.send("PUT", url, { body: encode("wrong") }), 400, "DIGEST_INVALID");
      assertRefused(await client.send("GET", upload), 404, "BLOB_UPLOAD_UNKNOWN");
    });

    it("collects garbage when its trigger fires", async () => {
      const digest = await client.pushBlob("trigger", "young");
      const answer = await fetch(`${worker.base}/cdn-cgi/handler/scheduled`);
      assertEquals([answer.status, await answer.text()], [200, "ok"]);
      assertEquals((await client.send("GET", `/v2/trigger/blobs/${digest}`)).status, 200); // younger than the grace
    });
  });

  it("keeps out of each change where it is read-only", async () => {
    const worker = await startWorker({ bindings: { GCRANE_REGISTRY_READ_ONLY: "true" } });
    try {
      assertRefused(await new RegistryClient(worker).send("POST", "/v2/x/blobs/uploads/"), 405, "UNSUPPORTED");
    } finally {
      await worker.close();
    }
  });

  it("sends clients to its bucket by signed URLs of R2's API of S3", async () => {
    const worker = await startWorker({
      bindings: {
        GCRANE_REGISTRY_REDIRECT: "https://account.r2.example.com/images",
        AWS_ACCESS_KEY_ID: "key",
        AWS_SECRET_ACCESS_KEY: "hidden",
      },
    });
    try {
      const digest = await new RegistryClient(worker).pushBlob("app", patterned(70_000));
      const answer = await worker.fetch(`${worker.base}/v2/app/blobs/${digest}`, { redirect: "manual" });
      await answer.body?.cancel();
      assertEquals(answer.status, 307);
      const { origin, pathname, searchParams } = new URL(answer.headers.get("Location")!);
      assertEquals(origin, "https://account.r2.example.com");
      assertEquals([/^\/images\/data\/[\w-]+$/.test(pathname), searchParams.get("X-Amz-Expires")], [true, "300"]);
    } finally {
      await worker.close();
    }
  });

  it("lets in whom its secret names, and others as far as its variables say", async () => {
    const worker = await startWorker({
      bindings: { GCRANE_REGISTRY_USERS: "ann:correct horse", GCRANE_REGISTRY_ANONYMOUS_PULL: "true" },
    });
    try {
      const send = async (method: string, path: string, user?: string) => {
        const headers: Record<string, string> = user ? { Authorization: `Basic ${btoa(user)}` } : {};
        const answer = await worker.fetch(`${worker.base}${path}`, { method, headers });
        await answer.body?.cancel();
        return answer.status;
      };
      assertEquals(await send("POST", "/v2/x/blobs/uploads/"), 401);
      assertEquals(await send("POST", "/v2/x/blobs/uploads/", "ann:wrong"), 401);
      assertEquals(await send("POST", "/v2/x/blobs/uploads/", "ann:correct horse"), 202);
      assertEquals(await send("GET", "/v2/x/manifests/v1"), 404);
    } finally {
      await worker.close();
    }
  });

  it("holds little of a large blob in memory, and none of it for long", { timeout: 120_000 }, async () => {
    const worker = await startWorker();
    const heap = await HeapOfWorker.open(worker.program);
    try {
      const client = new RegistryClient(worker);
      const size = 320 * MIB;
      const chunk = patterned(MIB);
      let sent = 0;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          if (sent >= size) return controller.close();
          sent += chunk.length;
          if (sent % (8 * MIB) === 0) await heap.look();
          controller.enqueue(chunk.slice());
        },
      }, { highWaterMark: 0 });
      const hash = createHash("sha256");
      for (let at = 0; at < size; at += MIB) hash.update(chunk);
      const digest = `sha256:${hash.digest("hex")}`;

      const upload = await client.startUpload("large");
      assertEquals((await client.send("PATCH", upload, { body })).status, 202);
      assertEquals((await client.send("PUT", withQuery(upload, `digest=${digest}`))).status, 201);
      const answer = await worker.fetch(`${worker.base}/v2/large/blobs/${digest}`);
      assertEquals(answer.headers.get("Content-Length"), String(size));
      const pulled = createHash("sha256");
      let got = 0;
      for await (const part of answer.body!) {
        pulled.update(part);
        if (Math.floor((got += part.length) / (8 * MIB)) > Math.floor((got - part.length) / (8 * MIB))) {
          await heap.look();
        }
      }
      assertEquals(`sha256:${pulled.digest("hex")}`, digest);
      assert(heap.looks > 60, `the heap was seen ${heap.looks} times`);
      // A Worker may have 128 MB, which several uploads share.
      assert(heap.peak < 64 * MIB, `the heap of the Worker grew to ${Math.round(heap.peak / MIB)} MiB`);
    } finally {
      heap.close();
      await worker.close();
    }
  });
}, { skip: once() });

/** Sees the heap of the Worker by its inspector; that of what simulates R2 is another. */
class HeapOfWorker {
  readonly #socket: WebSocket;
  readonly #waiting: Map<number, (bytes: number) => void> = new Map();
  /** How often it was looked at. */
  looks = 0;
  /** The most that it held, in bytes. */
  peak = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(data);
      const { usedSize, embedderHeapUsedSize, backingStorageSize } = result;
      this.#waiting.get(id)?.(usedSize + embedderHeapUsedSize + backingStorageSize);
    });
  }

  static async open({ inspector }: NodeProgram): Promise<HeapOfWorker> {
    const socket = new WebSocket(inspector);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new HeapOfWorker(socket);
  }

  async look(): Promise<void> {
    const id = ++this.looks;
    const answered = new Promise<number>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id: 0, method: "HeapProfiler.collectGarbage" })); // what is held is what counts
    this.#socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
    this.peak = Math.max(this.peak, await answered);
  }

  close(): void {
    this.#socket.close();
  }
}
