import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { successors, transfer, TransferState } from "../../src/graph/mod.ts";
import { emptyImage } from "../../src/image/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { ModelSink, type ModelSinkOptions, World } from "../fakes/model_sink.ts";
import { Dice, randomGraph } from "../make/random_graph.ts";

const KINDS: readonly ModelSinkOptions[] = [
  {},
  { takes: "any", vouches: false },
  { takes: "once" },
  { pool: "a.example.com", takes: "once" },
  { pool: "b.example.com", takes: "once", refuses: true },
];

/** Everything that a name of a sink leads to. */
function reached(sink: ModelSink): Set<Hash> {
  const found = new Set<Hash>();
  const visit = (digest: Hash) => {
    if (found.has(digest)) return;
    found.add(digest);
    const manifest = sink.manifests.get(digest);
    if (!manifest) return assert(sink.blobs.has(digest), `${digest} is missing`);
    const { config, blobs, members } = successors(manifest.bytes as Uint8Array<ArrayBuffer>, manifest.mediaType);
    for (const named of [...config ? [config] : [], ...blobs, ...members]) visit(named.digest);
  };
  for (const digest of sink.manifests.keys()) visit(digest);
  return found;
}

describe("TransferState.forget", () => {
  it("lets the next transfer look again at what one sink holds", async () => {
    const world = new World();
    const sinks = ["r", "other"].map((id) => new ModelSink(world, id));
    const state = new TransferState();
    const transferAll = async () => {
      for (const sink of sinks) await transfer([{ view: emptyImage() }], sink, { state });
      return world.count("hasManifest");
    };
    assertEquals([await transferAll(), await transferAll()], [2, 2]);
    state.forget(sinks[0].id);
    assertEquals(await transferAll(), 3);
  });
});

describe("transfer over random graphs", () => {
  it("writes each blob once and no manifest before what it names", { timeout: 120_000 }, async () => {
    for (let seed = 0; seed < 1000; seed++) {
      const dice = new Dice(seed);
      const world = new World();
      const { roots, opened, hasStream } = await randomGraph(dice, { streams: true });
      const kind = dice.pick(KINDS);
      const sinks = Array.from(
        { length: hasStream ? 1 : 1 + dice.below(3) },
        (_, i) => new ModelSink(world, `r${i}`, kind),
      );
      const state = new TransferState({ jobs: 1 + dice.below(8) });
      const runs = sinks.map((sink) => transfer(roots, sink, { state }));
      // A second call with the same state, side by side or afterwards, writes nothing new.
      if (dice.below(2)) await Promise.all([...runs, transfer(roots, sinks[0], { state })]);
      else await Promise.all(runs), await transfer(roots, sinks[0], { state });
      for (const sink of sinks) {
        assertEquals(reached(sink), sink.digests(), `seed ${seed}`);
        for (const { view, names } of roots) {
          assert(sink.manifests.has(await view.digest()), `seed ${seed}`);
          for (const name of names) assert(sink.names.has(name), `seed ${seed}`);
        }
      }
      // A layer without a digest is read once: as it is sent, or into a file. Any other is read for each upload.
      for (const { opened: times } of opened.values()) assert(times <= sinks.length + 1, `seed ${seed}: ${times}`);
      if (kind.pool && !kind.refuses && !hasStream) {
        const uploads = world.calls.filter(({ kind }) => kind === "putBlob").map(({ what }) => what);
        for (const digest of new Set(uploads)) {
          assert(uploads.filter((what) => what === digest).length <= sinks.length, `seed ${seed}`);
        }
      }
      assertEquals(world.active, 0);
    }
  });

  it(
    "fails at each call with that failure, leaves no dangling work, and succeeds afterwards",
    { timeout: 120_000 },
    async () => {
      for (let seed = 0; seed < 60; seed++) {
        for (let at = 0;; at++) {
          const dice = new Dice(seed);
          const world = new World();
          const { roots } = await randomGraph(dice);
          const kind = dice.pick(KINDS);
          const sink = new ModelSink(world, "r", kind);
          const state = new TransferState({ jobs: 1 + dice.below(8) });
          let failed = false;
          world.onCall = (index) => {
            if (index !== at) return;
            failed = true;
            throw new Error("call failed");
          };
          const outcome = await transfer(roots, sink, { state }).then(() => "done", (error) => error.message);
          assertEquals(world.active, 0, `seed ${seed}, call ${at}`);
          assertEquals(outcome, failed ? "call failed" : "done", `seed ${seed}, call ${at}`);
          reached(sink); // every manifest has all its content
          if (!failed) break;
          world.onCall = () => {};
          await transfer(roots, sink, { state });
          assertEquals(reached(sink), sink.digests(), `seed ${seed}, call ${at}`);
        }
      }
    },
  );

  it("ends at an abort at each call, and leaves the work that another call wants", { timeout: 120_000 }, async () => {
    for (let seed = 0; seed < 60; seed++) {
      for (let at = 0;; at++) {
        const dice = new Dice(seed);
        const world = new World();
        const { roots, hasStream } = await randomGraph(dice, { streams: true });
        const kind = dice.pick(KINDS);
        const sink = new ModelSink(world, "r", kind);
        const state = new TransferState({ jobs: 1 + dice.below(8) });
        const stop = new AbortController();
        let aborted = false;
        world.onCall = async (index) => {
          if (index === at) {
            aborted = true;
            stop.abort(new Error("given up"));
          }
          await Promise.resolve();
        };
        const other = dice.below(2) === 1;
        const outcomes = await Promise.all([
          transfer(roots, sink, { state, signal: stop.signal }).then(() => "done", (error) => error.message),
          other ? transfer(roots, sink, { state }).then(() => "done", (error) => error.message) : "done",
        ]);
        assert(["done", "given up"].includes(outcomes[0]), `seed ${seed}, call ${at}: ${outcomes[0]}`);
        assertEquals(outcomes[1], "done", `seed ${seed}, call ${at}`);
        assertEquals(world.active, 0, `seed ${seed}, call ${at}`);
        reached(sink);
        if (!aborted) break;
        if (!other && !hasStream) await transfer(roots, sink, { state });
        if (other || !hasStream) assertEquals(reached(sink), sink.digests(), `seed ${seed}, call ${at}`);
      }
    }
  });
});
