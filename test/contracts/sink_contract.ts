import { afterEach, beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { setTimeout } from "node:timers/promises";
import { DigestMismatchError, SizeMismatchError } from "../../src/errors.ts";
import { type AnyManifest, type Root, type TransferOptions, TransferState } from "../../src/graph/mod.ts";
import {
  emptyIndex,
  type Image,
  type Layer,
  layerFromUncompressed,
  streamLayer,
  validateImage,
} from "../../src/image/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import type { ByteStream } from "../../src/runtime/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { Dice, randomGraph } from "../make/random_graph.ts";
import { failing, inChunks, stalling } from "../make/streams.ts";
import { imageOf, tarOf, testLayer } from "../make/images.ts";
import { leavingNothing } from "../make/folders.ts";
import { utf8 } from "../make/bytes.ts";

/** What a transfer wrote, read back. */
export interface Written {
  /** The images among the roots, in order. */
  readonly images: readonly Image[];
  /** The digest of all bytes in the sink. */
  readonly print: Hash;
  /** The digests of all blobs and manifests, where the sink keeps each as it is. */
  readonly stored?: ReadonlySet<Hash>;
}

/** A sink under test, empty at first. */
export interface SinkUnderTest extends AsyncDisposable {
  /** Transfers into the sink; where a sink takes one transfer only, into one of its kind. */
  write(roots: readonly Root[], options?: TransferOptions): Promise<Written>;
  /** Files that are there and no part of what was written whole. */
  leftovers(): readonly string[];
  /** What names lead to; absent where the sink has none. */
  names?(): ReadonlyMap<string, Hash>;
}

/** What a sink is tested for. */
export interface SinkContractOptions {
  /** Makes a sink that holds nothing. */
  open(): Promise<SinkUnderTest>;
  /**
   * Whether a transfer finds what another one wrote.
   * @default false
   */
  keeps?: boolean;
  /**
   * Whether the sink takes indexes too.
   * @default false
   */
  indexes?: boolean;
}

/** How long a test may take. */
const BOUND = { timeout: 60_000 };

/** A layer without a digest, and how often it was opened. */
async function unread(text: string): Promise<{ layer: Layer; counts: { opened: number } }> {
  const tar = await tarOf("file", text);
  const counts = { opened: 0 };
  const uncompressed = () => (counts.opened++, Promise.resolve(inChunks(tar)));
  return { layer: layerFromUncompressed({ uncompressed }), counts };
}

/** A layer with a digest, and how often it was opened. */
async function counted(text: string): Promise<{ layer: Layer; counts: { opened: number } }> {
  const counts = { opened: 0 };
  const layer = await testLayer(await tarOf("file", text), { onOpen: (stream) => (counts.opened++, stream) });
  return { layer, counts };
}

/** Checks that images came whole. */
async function assertWritten(written: Written, ...images: readonly Image[]): Promise<void> {
  assertEquals(written.images.length, images.length);
  for (const [index, image] of images.entries()) {
    const copy = written.images[index];
    await validateImage(copy);
    assertEquals(await copy.rawConfigFile(), await image.rawConfigFile());
  }
}

/** Runs the suite that every sink has to pass. */
export function sinkContract(name: string, options: SinkContractOptions): void {
  const { open, keeps = false, indexes = false } = options;

  describe(name, () => {
    let sink: SinkUnderTest;
    beforeEach(async () => {
      sink = await open();
    });
    afterEach(async () => {
      assertEquals(sink.leftovers(), []);
      await sink[Symbol.asyncDispose]();
    });
    /** Fails to write, and leaves nothing. */
    const fail = async (roots: readonly Root[], options?: TransferOptions): Promise<Error> => {
      const error = await assertRejects(() => sink.write(roots, options), Error);
      assertEquals(sink.leftovers(), []);
      return error;
    };

    it(
      "opens a layer without a digest once, though images share it and one has it twice",
      BOUND,
      () =>
        leavingNothing(async () => {
          const { layer, counts } = await unread("shared");
          const images = [imageOf([layer, layer]), imageOf([layer, await testLayer(await tarOf("file", "own"))])];
          await assertWritten(await sink.write(images.map((view) => ({ view }))), ...images);
          assertEquals(counts.opened, 1);
        }),
    );

    it(
      "opens a blob with a digest once, though images share it and one has it twice",
      BOUND,
      () =>
        leavingNothing(async () => {
          const { layer, counts } = await counted("shared");
          const images = [imageOf([layer, layer]), imageOf([await testLayer(await tarOf("file", "own")), layer])];
          await assertWritten(await sink.write(images.map((view) => ({ view }))), ...images);
          assertEquals(counts.opened, 1);
        }),
    );

    it(
      "takes a layer that can be read once, and the config that follows from it",
      BOUND,
      () =>
        leavingNothing(async () => {
          const layer = streamLayer(inChunks(await tarOf("file", "streamed")));
          const image = imageOf([layer, await testLayer(await tarOf("file", "own"))]);
          await assertWritten(await sink.write([{ view: image }]), image);
        }),
    );

    it("takes an image without layers", BOUND, async () => {
      const image = imageOf([]);
      await assertWritten(await sink.write([{ view: image }]), image);
    });

    it("has the same bytes whatever the number of jobs", BOUND, async () => {
      const prints = new Set<Hash>();
      for (const jobs of [1, 16]) {
        const { layer } = await unread("unread");
        const layers = await Promise.all(["a", "b", "c", "d"].map((text) => tarOf("file", text).then(testLayer)));
        const images = [imageOf([layer, ...layers, layers[0]]), imageOf([...layers.reverse(), layer])];
        await using other = await open();
        const written = await other.write(images.map((view) => ({ view })), { jobs });
        await assertWritten(written, ...images);
        prints.add(written.print);
      }
      assertEquals(prints.size, 1);
    });

    it("reads each blob through what the options wrap around its content", BOUND, async () => {
      const image = await imageOf([(await counted("one")).layer, (await unread("two")).layer]);
      const read = new Set<Hash | undefined>();
      const written = await sink.write([{ view: image }], {
        content: (content) => ({
          get identity() {
            return content.identity;
          },
          once: content.once,
          origins: content.origins,
          async open(options) {
            const stream = await content.open(options);
            return stream.pipeThrough(new TransformStream({ flush: () => void read.add(content.identity?.digest) }));
          },
        }),
      });
      await assertWritten(written, image);
      for (const layer of await image.layers()) {
        // A legacy archive holds layers uncompressed.
        assert(read.has(await layer.digest()) || read.has(await layer.diffId()));
      }
    });

    it("goes on for one caller when another gives up", BOUND, () =>
      leavingNothing(async () => {
        const reading = Promise.withResolvers<void>();
        const goOn = Promise.withResolvers<void>();
        const tar = await tarOf("file", "streamed ".repeat(1000));
        const layer = streamLayer(pausing(inChunks(tar), reading.resolve, goOn.promise));
        const image = imageOf([layer]);
        const joined = Promise.withResolvers<void>();
        const joining: Image = { ...image, layers: (options) => (joined.resolve(), image.layers(options)) };
        const state = new TransferState();
        const abort = new AbortController();
        const first = sink.write([{ view: image }], { state, signal: abort.signal }).catch((error) => error);
        await reading.promise;
        const second = sink.write([{ view: joining }], { state });
        await joined.promise;
        for (let turn = 0; turn < 20; turn++) await setTimeout(1);
        const reason = new Error("given up");
        abort.abort(reason);
        assertEquals(await first, reason);
        goOn.resolve();
        await assertWritten(await second, image);
      }));

    it("tries again what failed", BOUND, () =>
      leavingNothing(async () => {
        const state = new TransferState();
        const cut = new Error("the connection was cut");
        let tries = 0;
        const layer = await testLayer(await tarOf("file", "content ".repeat(1000)), {
          compression: "none",
          onOpen: (stream) => tries++ === 0 ? failing(stream, cut) : stream,
        });
        const image = imageOf([await testLayer(await tarOf("file", "sound")), layer]);
        assertEquals(await fail([{ view: image }], { state }), cut);
        await assertWritten(await sink.write([{ view: image }], { state }), image);
        assertEquals(tries, 2);
      }));

    it(
      "refuses bytes that are not those that were promised, and takes the right ones afterwards",
      BOUND,
      () =>
        leavingNothing(async () => {
          const tar = await tarOf("file", "content");
          for (const text of ["fewer", "others".padEnd(tar.length, "."), "more".padEnd(tar.length + 1, ".")]) {
            const state = new TransferState();
            let tries = 0;
            const onOpen = (stream: ByteStream) => tries++ === 0 ? inChunks(utf8(text)) : stream;
            const image = imageOf([await testLayer(tar, { compression: "none", onOpen })]);
            await using other = await open();
            const error = await assertRejects(() => other.write([{ view: image }], { state }), Error);
            assert(error instanceof SizeMismatchError || error instanceof DigestMismatchError, error.message);
            assertEquals(other.leftovers(), []);
            await assertWritten(await other.write([{ view: image }], { state }), image);
          }
        }),
    );

    it(
      "leaves nothing when it is aborted, while it writes and while it learns a digest",
      BOUND,
      () =>
        leavingNothing(async () => {
          const tar = await tarOf("file", "content ".repeat(1000));
          const stalled = (abort: () => void) => stalling(inChunks(tar), abort);
          const layers = [
            (abort: () => void) => testLayer(tar, { compression: "none", onOpen: () => stalled(abort) }),
            (abort: () => void) => layerFromUncompressed({ uncompressed: () => Promise.resolve(stalled(abort)) }),
          ];
          for (const layerOf of layers) {
            const abort = new AbortController();
            const reason = new Error("enough");
            const image = imageOf([
              await testLayer(await tarOf("file", "sound")),
              await layerOf(() => abort.abort(reason)),
            ]);
            assertEquals(await fail([{ view: image }], { signal: abort.signal }), reason);
          }
        }),
    );

    it("leaves nothing of a call that was aborted before", BOUND, async () => {
      const reason = new Error("enough");
      assertEquals(await fail([{ view: imageOf([]) }], { signal: AbortSignal.abort(reason) }), reason);
    });

    if (keeps) {
      it("reads nothing that the sink holds", BOUND, async () => {
        const { layer, counts } = await counted("there");
        const image = imageOf([layer]);
        const { print } = await sink.write([{ view: image }]);
        const again = await sink.write([{ view: imageOf([layer]) }]);
        assertEquals(counts.opened, 1);
        assertEquals(again.print, print);
      });

      it("gives what it holds another name without reading it", BOUND, async () => {
        const { layer, counts } = await counted("named");
        const image = imageOf([layer]);
        await sink.write([{ view: image, names: ["one"] }]);
        await sink.write([{ view: image, names: ["one", "two"] }]);
        assertEquals(counts.opened, 1);
        const names = sink.names?.();
        if (names) { for (const name of ["one", "two"]) assertEquals(names.get(name), await image.digest()); }
      });
    }

    if (indexes) {
      it("takes indexes in indexes, whose images share layers", BOUND, () =>
        leavingNothing(async () => {
          const { layer, counts } = await unread("shared");
          const [one, two] = [imageOf([layer]), imageOf([layer, await testLayer(await tarOf("file", "own"))])];
          const index = appendManifests(emptyIndex(), [one, appendManifests(emptyIndex(), [two, one])]);
          const { stored } = await sink.write([{ view: index }]);
          assertEquals(counts.opened, 1);
          assertEquals(stored, await digestsBelow([index]));
        }));

      it("holds exactly what random graphs lead to", BOUND, async () => {
        for (let seed = 0; seed < 40; seed++) {
          const dice = new Dice(seed);
          const { roots } = await randomGraph(dice, { streams: true });
          await using other = await open();
          const { stored } = await other.write(roots, { jobs: 1 + dice.below(8) });
          assertEquals(stored, await digestsBelow(roots.map(({ view }) => view)), `seed ${seed}`);
        }
      });
    }
  });
}

/** The digests of manifests and of all that they lead to. */
async function digestsBelow(views: readonly (AnyManifest | Layer)[]): Promise<Set<Hash>> {
  const found = new Set<Hash>();
  const visit = async (view: AnyManifest | Layer): Promise<void> => {
    found.add(await view.digest());
    if (view.kind === "index") { for (const member of await view.members()) await visit(member); }
    if (view.kind === "manifest") { for (const blob of await view.blobs()) await visit(blob); }
    if (view.kind === "image") {
      for (const blob of [await view.configLayer(), ...await view.layers()]) await visit(blob);
    }
  };
  for (const view of views) await visit(view);
  return found;
}

/** Returns a stream that reports the read of its first chunk, and waits before the second. */
function pausing(stream: ByteStream, onRead: () => void, goOn: Promise<void>): ByteStream {
  const reader = stream.getReader();
  let reads = 0;
  return new ReadableStream({
    async pull(controller) {
      if (reads++ === 0) onRead();
      else await goOn;
      const { value } = await reader.read();
      if (value) controller.enqueue(value);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
