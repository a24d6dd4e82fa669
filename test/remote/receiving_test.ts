import { assertEquals, assertRejects } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { join } from "node:path";
import { DigestMismatchError, FileError, HttpError } from "../../src/errors.ts";
import { layerOfContent } from "../../src/image/internal.ts";
import type { Layer } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Client, Puller, type RemoteOptions } from "../../src/remote/mod.ts";
import { passesBodies, runtimeFetch, runtimeName } from "../../src/runtime/mod.ts";
import { writeTarballFile } from "../../src/tarball/mod.ts";
import { type Cue, FakeRegistry, fakeServer, type RecordedRequest } from "../fakes/mod.ts";
import { blobPath, filesUnder, inFolder, leavingNothing, onFullDisk } from "../make/folders.ts";
import { noise } from "../make/bytes.ts";
import { until } from "../make/waiting.ts";
import { imageOf } from "./pushing.ts";

const CONTENT = noise(3_000_000, 37);
const SIZE = CONTENT.length;
const CUTS = { "byte 0": 0, "the middle": SIZE / 2, "the last byte": SIZE - 1 };

/** Where a layer of a registry is written to. */
const TARGETS = ["layout", "tarball"] as const;

/** A layer in a registry behind a real socket, and what writes it to a file. */
interface Receiving {
  readonly source: FakeRegistry;
  /** From where the layer's content was opened as a stream, each time. */
  readonly streams: readonly number[];
  /** The requests that read the layer. */
  reads(): readonly RecordedRequest[];
  /** Writes the layer into a new file. */
  write(options?: { signal?: AbortSignal; onProgress?: () => void }): Promise<void>;
  /** Checks that the last file holds the layer as it is. */
  checkArrived(): void;
}

/** Runs a test with such a layer; afterwards no request may be under way and no temporary file left. */
async function receiving(
  target: (typeof TARGETS)[number],
  test: (receiving: Receiving) => Promise<void>,
  options: RemoteOptions = {},
): Promise<void> {
  const source = new FakeRegistry();
  const server = await fakeServer(source.handle);
  try {
    await inFolder((folder) =>
      leavingNothing(async () => {
        const digest = source.addBlob("app", CONTENT);
        const client = new Client({ retry: { wait: () => Promise.resolve(), random: () => 0 }, ...options });
        const { content, descriptor } = await new Puller({ client }).layer(
          parseRepository(`${server.host}/app`).digest(digest),
        );
        const streams: number[] = [];
        const layer: Layer = layerOfContent(
          {
            ...content,
            open(options) {
              streams.push(options?.offset ?? 0);
              return content.open(options);
            },
          },
          await descriptor(),
          { diffId: () => Promise.resolve(digest) },
        );
        let path = "";
        let writes = 0;
        await test({
          source,
          streams,
          reads: () => server.requests.filter(({ method, path }) => method === "GET" && path.includes("/blobs/")),
          async write(options) {
            path = join(folder, `${target}${writes++}`);
            if (target === "layout") await (await createLayout(path)).writeLayer(layer, options);
            else await writeTarballFile(path, [{ image: imageOf(layer) }], options);
          },
          checkArrived() {
            const bytes = readFileSync(target === "layout" ? blobPath(path, digest) : path);
            const start = target === "layout" ? 0 : bytes.indexOf(CONTENT.subarray(0, 512));
            assertEquals(bytes.subarray(start, start + SIZE).equals(CONTENT), true);
          },
        });
        assertEquals(filesUnder(folder).filter((name) => name.includes("tmp")), []);
        await until(() => server.requests.every(({ over }) => over));
      })
    );
  } finally {
    await server.close();
  }
}

/** Answers with so many bytes of the layer, and then with nothing more. */
const stallingAfter = (count: number): Cue => async (_, usual) => ({
  ...await usual(),
  body: CONTENT.subarray(0, count),
  length: SIZE,
  stalls: true,
});

/** Checks that one stream continued: where the body ended, or on Bun earlier, as it drops what it has not written yet. */
function checkResumed({ streams }: Receiving, at: number): void {
  assertEquals(streams, [runtimeName() === "bun" ? Math.min(streams[0], at) : at]);
}

for (const target of TARGETS) {
  const skip = passesBodies(runtimeFetch()) ? false : "not applicable: each body is a stream";

  describe(`a layer that a ${target} takes as it comes`, { timeout: 120_000 }, () => {
    it("is not opened as a stream", { skip }, () =>
      receiving(target, async (it) => {
        await it.write();
        it.checkArrived();
        assertEquals([it.streams, it.reads().length], [[], 1]);
      }));

    it("is a stream where progress is reported", () =>
      receiving(target, async (it) => {
        await it.write({ onProgress() {} });
        it.checkArrived();
        assertEquals(it.streams, [0]);
      }));

    for (const [name, at] of Object.entries(CUTS)) {
      it(`goes on as a stream after a cut at ${name}`, { skip }, () =>
        receiving(target, async (it) => {
          it.source.on("GET", /blobs/, async (_, usual) => ({ ...await usual(), cutAfter: at }));
          await it.write();
          it.checkArrived();
          assertEquals(it.reads().length, 2);
          checkResumed(it, at);
        }));

      it(`goes on as a stream after the registry stalled at ${name}`, { skip }, () =>
        receiving(target, async (it) => {
          it.source.on("GET", /blobs/, stallingAfter(at));
          await it.write();
          it.checkArrived();
          checkResumed(it, at);
        }, { timeouts: { stallMs: 200 } }));
    }

    for (const [name, at] of [["nothing", 0], ["a half", SIZE / 2]] as const) {
      it(
        `ends with the caller's reason after ${name}, and leaves nothing`,
        { skip },
        () =>
          receiving(target, async (it) => {
            it.source.on("GET", /blobs/, stallingAfter(at));
            const stop = new AbortController();
            const failed = assertRejects(() => it.write({ signal: stop.signal }), Error, "enough");
            await until(() => it.reads().length === 1);
            setTimeout(() => stop.abort(new Error("enough")), 50);
            await failed;
            assertEquals([it.streams, it.reads().length], [[], 1]);
          }),
      );
    }

    it(
      "is read again where its bytes are wrong, and the error names the registry",
      { skip },
      () =>
        receiving(target, async (it) => {
          const wrong = CONTENT.slice();
          wrong[SIZE / 2] ^= 1;
          it.source.on("GET", /blobs/, async (_, usual) => ({ ...await usual(), body: wrong }), 9);
          await assertRejects(() => it.write(), DigestMismatchError, "of 127.0.0.1");
          assertEquals(it.streams, [0]);
        }),
    );

    it("is right where its bytes were wrong once", { skip }, () =>
      receiving(target, async (it) => {
        it.source.on("GET", /blobs/, async (_, usual) => ({ ...await usual(), body: CONTENT.toReversed() }));
        await it.write();
        it.checkArrived();
        assertEquals(it.streams, [0]);
      }));

    it("is right where the rest after a cut is of other bytes", { skip }, () =>
      receiving(target, async (it) => {
        it.source.on("GET", /blobs/, async (_, usual) => {
          return { ...await usual(), body: CONTENT.toReversed(), cutAfter: SIZE / 2 };
        });
        await it.write();
        it.checkArrived();
        assertEquals(it.streams.at(-1), 0);
      }));

    it("fails with the registry's answer, after the usual attempts", () =>
      receiving(target, async (it) => {
        it.source.on("GET", /blobs/, () => ({ status: 404 }), 9);
        const error = await assertRejects(() => it.write(), HttpError);
        assertEquals([error.status, it.reads().length], [404, 1]);
      }));

    it("fails where the disk is full when it goes on", () =>
      receiving(target, async (it) => {
        it.source.on("GET", /blobs/, async (_, usual) => ({ ...await usual(), cutAfter: SIZE / 2 }));
        const error = await onFullDisk(SIZE / 4, () => assertRejects(() => it.write(), FileError));
        assertEquals(error.errno, "ENOSPC");
      }));

    const replies: Record<string, Cue> = {
      "says that it is encoded": async (_, usual) => {
        const answer = await usual();
        return { ...answer, headers: { ...answer.headers, "content-encoding": "gzip" } };
      },
      "does not say its length": async (_, usual) => ({ ...await usual(), length: "chunked" }),
    };
    for (const [name, reply] of Object.entries(replies)) {
      it(`is a stream where the answer ${name}`, () =>
        receiving(target, async (it) => {
          it.source.on("GET", /blobs/, reply, 9);
          await it.write();
          it.checkArrived();
          assertEquals(it.streams, [0]);
          const before = it.reads().length;
          await it.write();
          assertEquals([it.streams, it.reads().length], [[0, 0], before + 1]);
        }));
    }

    it("is a stream where the caller's own fetch is used, and requested once", () =>
      receiving(target, async (it) => {
        await it.write();
        it.checkArrived();
        assertEquals([it.streams, it.reads().length], [[0], 1]);
      }, { fetch: (input, init) => fetch(input, init) }));
  });
}
