import { assertEquals, assertRejects } from "@std/assert";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { CopyEvent } from "../../gcr/mod.ts";
import { JournalError } from "../../src/errors.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { FakeRegistry } from "../fakes/mod.ts";
import { CopyWorld, fill, image, referrer, SOURCE, TARGET } from "../make/copy_world.ts";

async function withJournal(work: (journal: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_copy_"));
  try {
    await work(join(folder, "journal"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Copies until the target was asked for the n-th write, which ends it. */
async function copyUntilWrite(world: CopyWorld, n: number, journal: string): Promise<void> {
  const stop = new AbortController();
  let count = 0;
  world.intercept = ({ method, host }) => {
    if (host === TARGET && method === "PUT" && ++count === n) stop.abort(new Error("killed"));
    return undefined;
  };
  await assertRejects(() => world.copy(SOURCE, TARGET, { journal, signal: stop.signal, jobs: 1 }), Error, "killed");
  world.intercept = () => undefined;
  world.requests.length = 0;
}

describe("a journal of a recursive copy", () => {
  for (const plain of [false, true]) {
    it(`lets it go on where it stopped, and repeats nothing that was done; ${plain ? "plain" : "Google's"} lists`, () =>
      withJournal(async (journal) => {
        const world = new CopyWorld(plain ? { source: new FakeRegistry(), target: new FakeRegistry() } : {});
        for (const name of ["a", "b", "c"]) {
          for (const tag of ["v1", "v2", "v3"]) {
            await world.push(`${SOURCE}/${name}:${tag}`, image(name.charCodeAt(0) * 10 + Number(tag[1])));
          }
        }
        // Three blobs, the manifest and the tag of each of three images, and then into the second repository.
        await copyUntilWrite(world, 15 + 8, journal);
        const [tag] = JSON.parse(readFileSync(journal, "utf8").trimEnd().split("\n").at(-1)!).tags;
        const events: CopyEvent[] = [];
        const result = await world.copy(SOURCE, TARGET, { journal, onEvent: (event) => events.push(event) });
        assertEquals([result.resumed, result.repositories, result.failed], [1, 2, 0]);
        assertEquals(events[0], { kind: "resumed", repositories: 1 });
        // The first repository is not even looked at, and of the second the first image is not asked for.
        assertEquals(world.requests.filter((request) => request.includes("/v2/a/")), []);
        if (plain) assertEquals(world.requests.filter((request) => request.includes(`/v2/b/manifests/${tag}`)), []);
        assertEquals(await world.content(TARGET), await world.content(SOURCE));
        await world.validate(TARGET);
      }));
  }

  it("begins anew after a copy that came to its end", () =>
    withJournal(async (journal) => {
      const world = new CopyWorld();
      await fill((reference, view) => world.push(reference, view));
      await world.copy(SOURCE, TARGET, { journal });
      await world.push(`${SOURCE}/other:v2`, image(90));
      const { resumed, tags } = await world.copy(SOURCE, TARGET, { journal });
      assertEquals([resumed, tags], [0, 1]);
    }));

  it("does not count a repository as done in which something failed", () =>
    withJournal(async (journal) => {
      const world = new CopyWorld();
      await fill((reference, view) => world.push(reference, view));
      world.intercept = ({ method, path }) =>
        method === "PUT" && path.endsWith("/manifests/v2") ? new Response(null, { status: 400 }) : undefined;
      assertEquals((await world.copy(SOURCE, TARGET, { journal })).failed, 1);
      world.intercept = () => undefined;
      const { resumed, repositories, tags } = await world.copy(SOURCE, TARGET, { journal });
      assertEquals([resumed, repositories, tags], [2, 1, 1]);
      assertEquals(await world.content(TARGET), await world.content(SOURCE));
    }));

  it("of another copy is refused before anything is asked", () =>
    withJournal(async (journal) => {
      const world = new CopyWorld();
      await fill((reference, view) => world.push(reference, view));
      await copyUntilWrite(world, 3, journal);
      for (
        const [target, options, message] of [
          [`${TARGET}/x`, {}, 'target "dst.example.com", not "dst.example.com/x"'],
          [TARGET, { tagFilter: ["v1"] }, 'tagFilter none, not ["v1"]'],
          [TARGET, { shard: { index: 1, count: 2 } }, 'shard none, not "1/2"'],
          [TARGET, { withReferrers: true }, "withReferrers none, not true"],
        ] as const
      ) {
        await assertRejects(() => world.copy(SOURCE, target, { journal, ...options }), JournalError, message);
      }
      assertEquals(world.requests, []);
    }));

  it("is read and not written in a dry run", () =>
    withJournal(async (journal) => {
      const world = new CopyWorld();
      await fill((reference, view) => world.push(reference, view));
      await world.copy(SOURCE, TARGET, { journal, dryRun: true });
      assertEquals(existsSync(journal), false);
      await copyUntilWrite(world, 6, journal);
      const before = readFileSync(journal, "utf8");
      const { resumed } = await world.copy(SOURCE, TARGET, { journal, dryRun: true });
      assertEquals([resumed, readFileSync(journal, "utf8")], [1, before]);
    }));

  it("compares what is done all the same when it is to find what is extra", () =>
    withJournal(async (journal) => {
      const world = new CopyWorld();
      await fill((reference, view) => world.push(reference, view));
      await copyUntilWrite(world, 12, journal);
      await world.push(`${TARGET}/other:old`, image(91));
      const { extra } = await world.copy(SOURCE, TARGET, { journal, extra: "find" });
      assertEquals(extra.map(({ tag }) => tag), ["old", undefined]);
    }));
});

describe("a recursive copy without a journal", () => {
  it("lists what refers to a manifest, wherever it was ended before", async () => {
    const app = image(1);
    const tag = `${(await app.digest()).replace(":", "-")}`;
    for (let n = 1, isThrough = false; !isThrough; n++) {
      const target = new FakeRegistry({ referrers: false });
      const world = new CopyWorld({ target });
      await world.push(`${SOURCE}/app:v1`, app);
      const signatures = [await referrer(2, app), await referrer(3, app)];
      for (const signature of signatures) await world.push(`${SOURCE}/app`, signature);
      const stop = new AbortController();
      let writes = 0;
      world.intercept = ({ method, host }) => {
        if (host === TARGET && method === "PUT" && ++writes === n) stop.abort(new Error("killed"));
        return undefined;
      };
      await world.copy(SOURCE, TARGET, { signal: stop.signal, jobs: 1 }).then(() => isThrough = true, () => {});
      world.intercept = () => undefined;
      assertEquals((await world.copy(SOURCE, TARGET)).failed, 0);
      const { manifests } = JSON.parse(new TextDecoder().decode(target.manifestsOf("app").get(tag)!.bytes));
      const digests = await Promise.all(signatures.map((signature) => signature.digest()));
      const listed = (manifests as { digest: Hash }[]).map(({ digest }) => digest);
      assertEquals(listed.toSorted(), digests.toSorted(), `ended at write ${n}`);
    }
  });
});
