import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { toBytes } from "@std/streams/to-bytes";
import { ConflictError } from "../../../src/errors.ts";
import {
  createRegistry,
  fileStore,
  memoryStore,
  r2Store,
  type RegistryStore,
  s3Store,
} from "../../../src/registry/mod.ts";
import { type Answer, digestOf, RegistryClient, withQuery } from "../../contracts/registry_client.ts";
import { patterned, stream } from "../../contracts/store_contract.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";
import { failure, FakeS3 } from "../../fakes/fake_s3.ts";
import { wrapStore } from "../stores/wrapped_store.ts";
import { until } from "../../make/waiting.ts";
import { once } from "../../project/applicable.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MIB = 1024 * 1024;

/** Two stores over the same content, as two servers have them. */
interface Shared {
  readonly one: RegistryStore;
  /** The one whose steps are watched. */
  readonly other: RegistryStore;
  /** Checks that nothing is left over, once all uploads have become blobs. */
  readonly check: () => Promise<void>;
}

/** What is done before each step of a store: a call of it, a request to a bucket, or an operation on a disk. */
type Step = () => Promise<void>;

let onDisk: Step = () => Promise.resolve();
const disk = fs.promises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
const operations = ["open", "stat", "lstat", "mkdir", "readdir", "rename", "rm", "unlink", "lutimes"];
const real = Object.fromEntries(operations.map((name) => [name, disk[name]]));

const kinds: [name: string, open: (before: Step, disk: string) => Shared][] = [
  ["in memory", (before) => {
    const one = memoryStore();
    return { one, other: wrapStore(one, before), check: () => Promise.resolve() };
  }],
  ["on a disk", (before, disk) => {
    onDisk = before;
    const check = async () => assertEquals(await fs.promises.readdir(join(disk, "uploads")), []);
    return { one: fileStore(disk), other: fileStore(disk), check };
  }],
  ["on S3", (before) => {
    const s3 = new FakeS3();
    const fetch: typeof s3.fetch = async (...args) => {
      await before();
      return await s3.fetch(...args);
    };
    const check = () => {
      assertEquals(s3.unfinished.size, 0, "parts are left");
      const names = [...s3.objects.keys()].map((key) => key.split("/")[0]).filter((name) => name !== "records");
      assertEquals(names.sort(), ["blobs", "data"]);
      return Promise.resolve();
    };
    return { one: s3Store({ ...s3.keys, fetch: s3.fetch }), other: s3Store({ ...s3.keys, fetch }), check };
  }],
  ["on R2", (before) => {
    const bucket = new FakeR2();
    const steps = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(target, name) {
          const value = target[name as keyof T];
          if (typeof value !== "function") return value;
          const call = (...args: unknown[]) => value.apply(target, args);
          // A resumed upload is no promise, but has steps of its own.
          if (name === "resumeMultipartUpload") return (...args: unknown[]) => steps(call(...args));
          return async (...args: unknown[]) => (await before(), await call(...args));
        },
      });
    return { one: r2Store(bucket), other: r2Store(steps(bucket)), check: () => Promise.resolve() };
  }],
];

for (const [name, open] of kinds) {
  // Fakes take what the test of a disk takes in steps of their own, and several times as long.
  describe(`two registries over one store ${name}`, { skip: /S3|R2/.test(name) && once() }, () => {
    let folder: string;
    let count = 0;
    beforeEach(async () => {
      folder = await fs.promises.mkdtemp(join(tmpdir(), "gcrane_race_"));
      for (const operation of operations) {
        disk[operation] = async (...args) => {
          await onDisk();
          return await real[operation].apply(disk, args);
        };
      }
    });
    afterEach(async () => {
      onDisk = () => Promise.resolve();
      Object.assign(disk, real);
      await fs.promises.rm(folder, { recursive: true });
    });

    /** Two clients; before one step of the second's store, the given number, something else is done. */
    function race() {
      let left = Infinity;
      let work: () => Promise<void> = () => Promise.resolve();
      const before = async () => {
        if (--left === 0) await work();
      };
      const { one, other, check } = open(before, join(folder, String(count++)));
      const client = (store: RegistryStore) =>
        new RegistryClient({ fetch: createRegistry({ store }).fetch, base: "http://registry.example.com" });
      /** Sends a request, and does something before that step of it; whether it had so many. */
      const during = async (step: number, send: () => Promise<Answer>, between: () => Promise<void>) => {
        [left, work] = [step, between];
        const answer = await send();
        const wasReached = left <= 0;
        left = Infinity;
        return { answer, wasReached };
      };
      return { one: client(one), other: client(other), during, check };
    }

    async function assertBlob(client: RegistryClient, bytes: Bytes, what: string): Promise<void> {
      const { status, bytes: read } = await client.send("GET", `/v2/race/blobs/${digestOf(bytes)}`);
      assertEquals([status, digestOf(read)], [200, digestOf(bytes)], what);
    }

    const sizes: [what: string, before: number, chunk: number][] = name === "in memory" || name === "on a disk"
      ? [["the first chunk", 0, 5_000], ["a later chunk", 70_000, 50_000]]
      : [
        ["the first chunk", 0, 5_000],
        ["a later chunk", 3, 5_000],
        ["a chunk of parts", 0, 17 * MIB],
        ["a later chunk of parts", 9 * MIB, 9 * MIB],
      ];
    for (const [what, before, size] of sizes) {
      const head = patterned(before);
      const chunks = [patterned(size), patterned(size).map((byte) => byte ^ 1)];
      const tail = patterned(100);
      const headers = { "Content-Range": `${before}-${before + size - 1}` };

      const settle = async (
        { one, other, check }: ReturnType<typeof race>,
        { upload, answers, at }: { upload: string; answers: Answer[]; at: string },
      ): Promise<void> => {
        const statuses = answers.map(({ status }) => status);
        assertEquals([...statuses].sort(), [202, 416], `${at}: ${answers.map(({ text }) => text)}`);
        const loser = answers.find(({ status }) => status === 416)!;
        assertEquals(loser.headers.get("Location"), new URL(upload, "http://x").pathname);
        const status = await other.send("GET", upload);
        assertEquals([status.status, status.headers.get("Range")], [204, `0-${before + size - 1}`], at);
        const whole = new Uint8Array(
          await new Blob([head, chunks[statuses.indexOf(202)], tail]).arrayBuffer(),
        );
        const url = withQuery(upload, `digest=${digestOf(whole)}`);
        const range = { "Content-Range": `${before + size}-${whole.length - 1}` };
        const put = await one.send("PUT", url, { body: tail, headers: range });
        assertEquals(put.status, 201, `${at}: ${put.text}`);
        await assertBlob(other, whole, at);
        await check();
      };

      it(
        `take ${what} from one of them, whichever step of the other it comes before`,
        { timeout: 120_000 },
        async () => {
          // Large parts take the same steps, but each takes long.
          for (let step = 1, isOver = false; !isOver; step += size < MIB ? 1 : 3) {
            const raced = race();
            const upload = await raced.one.startUpload("race");
            if (before > 0) assertEquals((await raced.one.send("PATCH", upload, { body: head })).status, 202);
            let first: Answer | undefined;
            const { answer, wasReached } = await raced.during(
              step,
              () => raced.other.send("PATCH", upload, { body: chunks[1], headers }),
              async () => {
                first = await raced.one.send("PATCH", upload, { body: chunks[0], headers });
              },
            );
            isOver = !wasReached;
            if (isOver) assert(step > 2, "there were no steps");
            first ??= await raced.one.send("PATCH", upload, { body: chunks[0], headers });
            await settle(raced, { upload, answers: [first, answer], at: `before step ${step}` });
          }
        },
      );

      it(`take ${what} from one of them, however much the other has of it`, { timeout: 120_000 }, async () => {
        for (const parts of [0, 1, 2]) {
          const raced = race();
          const upload = await raced.one.startUpload("race");
          if (before > 0) assertEquals((await raced.one.send("PATCH", upload, { body: head })).status, 202);
          let first: Answer | undefined;
          let part = 0;
          const half = Math.ceil(size / 2);
          const body = new ReadableStream<Bytes>({
            async pull(controller) {
              if (part === parts) first = await raced.one.send("PATCH", upload, { body: chunks[0].slice(), headers });
              if (part < 2) controller.enqueue(chunks[1].slice(part * half, (part + 1) * half));
              else controller.close();
              part++;
            },
          }, { highWaterMark: 0 });
          const answer = await raced.other.send("PATCH", upload, { body, headers });
          await settle(raced, { upload, answers: [first!, answer], at: `after ${parts} halves` });
        }
      });
    }

    for (const what of ["append to", "close"] as const) {
      it(`never fail when one is to ${what} an upload and the other does the opposite`, async () => {
        const [head, chunk] = [patterned(3_000), patterned(5_000)];
        for (let step = 1, isOver = false; !isOver; step++) {
          const raced = race();
          const upload = await raced.one.startUpload("race");
          await raced.one.send("PATCH", upload, { body: head });
          const append = { method: "PATCH", url: upload, parts: { body: chunk } };
          const close = { method: "PUT", url: withQuery(upload, `digest=${digestOf(head)}`), parts: {} };
          const [mine, theirs] = what === "append to" ? [append, close] : [close, append];
          let first: Answer | undefined;
          const sendFirst = async () => {
            first = await raced.one.send(theirs.method, theirs.url, theirs.parts);
          };
          const { answer, wasReached } = await raced.during(
            step,
            () => raced.other.send(mine.method, mine.url, mine.parts),
            sendFirst,
          );
          isOver = !wasReached;
          if (!first) await sendFirst();
          const [patch, put] = what === "append to" ? [answer, first!] : [first!, answer];
          const at = `before step ${step}: ${patch.status} ${put.status} ${patch.text} ${put.text}`;
          assert([202, 404, 416].includes(patch.status) && [201, 400, 416].includes(put.status), at);
          if (put.status === 201) await assertBlob(raced.one, head, at);
          if (put.status === 416) {
            assertEquals(patch.status, 202, at);
            assertEquals((await raced.one.send("GET", upload)).headers.get("Range"), "0-7999", at);
            const whole = new Uint8Array([...head, ...chunk]);
            const url = withQuery(upload, `digest=${digestOf(whole)}`);
            assertEquals((await raced.other.send("PUT", url)).status, 201, at);
          }
        }
      });
    }

    for (const size of name.startsWith("on ") && name !== "on a disk" ? [5_000, 12 * MIB] : [5_000]) {
      it(`make a blob of ${size} bytes of an upload that both are to close`, { timeout: 180_000 }, async () => {
        const bytes = patterned(size);
        for (let step = 1, isOver = false; !isOver; step++) {
          const raced = race();
          const upload = await raced.one.startUpload("race");
          await raced.one.send("PATCH", upload, { body: bytes });
          const url = withQuery(upload, `digest=${digestOf(bytes)}`);
          let first: Answer | undefined;
          const { answer, wasReached } = await raced.during(step, () => raced.other.send("PUT", url), async () => {
            first = await raced.one.send("PUT", url);
          });
          isOver = !wasReached;
          first ??= await raced.one.send("PUT", url);
          const statuses = [first.status, answer.status];
          const at = `before step ${step}: ${statuses} ${first.text} ${answer.text}`;
          assert(statuses.includes(201) && statuses.every((status) => [201, 400, 404, 416].includes(status)), at);
          await assertBlob(raced.one, bytes, at);
          await raced.check();
        }
      });
    }
  });
}

describe("two registries over one bucket of S3", () => {
  const bytes = patterned(9 * MIB);
  const clientOf = (store: RegistryStore) =>
    new RegistryClient({ fetch: createRegistry({ store }).fetch, base: "http://registry.example.com" });

  it("keep what one of them took, when a request of the other fails that was sent the same", async () => {
    const chunk = patterned(5_000);
    const headers = { "Content-Range": "3-5002" };
    for (let step = 1, isOver = false; !isOver; step++) {
      const s3 = new FakeS3();
      let left = Infinity;
      let first: Answer | undefined;
      const send = () => one.send("PATCH", upload, { body: chunk, headers });
      const one = clientOf(s3Store({ ...s3.keys, fetch: s3.fetch }));
      const other = clientOf(s3Store({
        ...s3.keys,
        async fetch(...args) {
          if (--left !== 0) return await s3.fetch(...args);
          first = await send();
          return failure(403, "AccessDenied");
        },
      }));
      const upload = await one.startUpload("race");
      await one.send("PATCH", upload, { body: patterned(3) });
      left = step;
      const { status } = await other.send("PATCH", upload, { body: chunk, headers });
      isOver = left > 0;
      if (isOver) continue;
      assertEquals([first?.status, [416, 500].includes(status)], [202, true], `step ${step}: ${first?.text} ${status}`);
      const whole = new Uint8Array([...patterned(3), ...chunk]);
      const put = await one.send("PUT", withQuery(upload, `digest=${digestOf(whole)}`));
      assertEquals(put.status, 201, `step ${step}: ${put.text}`);
    }
  });

  it("make a blob of an upload whose last part both have written before either is done", async () => {
    const s3 = new FakeS3();
    const [written, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isRefused = false;
    const isFinish = (init: { method?: string }, url: string) => init.method === "POST" && url.includes("uploadId=");
    const one = s3Store({
      ...s3.keys,
      async fetch(url, init) {
        if (isFinish(init, url)) await written.promise;
        const response = await s3.fetch(url, init);
        if (isFinish(init, url)) isRefused = response.status === 400;
        else if (isRefused && init.method === "HEAD") refused.resolve(); // it sees that there is no object
        return response;
      },
    });
    const other = s3Store({
      ...s3.keys,
      async fetch(url, init) {
        if (isFinish(init, url)) {
          written.resolve();
          await refused.promise;
        }
        return await s3.fetch(url, init);
      },
    });
    await one.uploads.append("u", stream(bytes));
    const first = one.uploads.finish("u", digestOf(bytes), { size: bytes.length });
    const isWritten = () => s3.asked.some((asked) => asked.includes("partNumber=2"));
    await until(isWritten, { what: "the second part of the upload" });
    await Promise.all([first, other.uploads.finish("u", digestOf(bytes), { size: bytes.length })]);
    const read = await (await one.blobs.get(digestOf(bytes)))!.read();
    assertEquals(digestOf(new Uint8Array(await new Response(read).arrayBuffer())), digestOf(bytes));
    assertEquals([...s3.objects.keys()].map((key) => key.split("/")[0]).sort(), ["blobs", "data"]);
  });
});

describe("an upload of a store", () => {
  for (const [name, open] of kinds.slice(0, 2)) {
    it(`${name} is taken over from a request that hangs, at its end alone`, async () => {
      const folder = await fs.promises.mkdtemp(join(tmpdir(), "gcrane_race_"));
      try {
        const { one, other, check } = open(() => Promise.resolve(), folder);
        const bytes = patterned(1_000);
        const { readable, writable } = new TransformStream<Bytes, Bytes>();
        const hanging = one.uploads.append("u", readable, { size: 0 });
        const writer = writable.getWriter();
        await writer.write(bytes.slice(0, 600));
        await until(async () => await other.uploads.size("u") >= 600);
        await assertRejects(() => other.uploads.append("u", stream(bytes), { size: 0 }), ConflictError);
        assertEquals(await other.uploads.append("u", stream(bytes.slice(600)), { size: 600 }), 1_000);
        const late = writer.write(new Uint8Array(400)).then(() => writer.close()).catch(() => {});
        await assertRejects(() => hanging, ConflictError);
        await late;
        assertEquals(await one.uploads.finish("u", digestOf(bytes), { size: 1_000 }), 1_000);
        const read = await (await other.blobs.get(digestOf(bytes)))!.read();
        assertEquals(await toBytes(read), bytes);
        await check();
      } finally {
        await fs.promises.rm(folder, { recursive: true });
      }
    });
  }

  for (const [name, open] of kinds) {
    it(`${name} takes bytes at its end alone, and stays as it is`, async () => {
      const folder = await fs.promises.mkdtemp(join(tmpdir(), "gcrane_race_"));
      try {
        const { one, other } = open(() => Promise.resolve(), folder);
        const bytes = patterned(1_000);
        assertEquals(await one.uploads.append("u", stream(bytes.slice(0, 600)), { size: 0 }), 600);
        for (const size of [0, 599, 601]) {
          let isCancelled = false;
          const body = new ReadableStream<Bytes>({ cancel: () => void (isCancelled = true) }, { highWaterMark: 0 });
          await assertRejects(() => other.uploads.append("u", body, { size }), ConflictError, "upload u");
          assertEquals([isCancelled, await one.uploads.size("u")], [true, 600]);
        }
        assertEquals(await other.uploads.append("u", stream(bytes.slice(600)), { size: 600 }), 1_000);
        assertEquals(await one.uploads.finish("u", digestOf(bytes)), 1_000);
      } finally {
        await fs.promises.rm(folder, { recursive: true });
      }
    });
  }
});
