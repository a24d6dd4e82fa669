import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { CopyRecursivelyOptions, ExtraItem } from "../../gcr/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { type Content, Maker, modelOfApply, ownerOf } from "./copy_model.ts";
import { CopyWorld, SOURCE, TARGET } from "../make/copy_world.ts";
import { once } from "../project/applicable.ts";
import { attachedTag, randomOf } from "./gc_model.ts";

const [source, target] = [`${SOURCE}/app`, `${TARGET}/app`];
const endings = ["", ".sig", ".att", ".sbom"];

/** A source and a target with something in common, and more that is random. */
class RandomPair {
  readonly world = new CopyWorld();
  readonly maker: Maker;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.maker = new Maker(this.world.fetch);
  }

  some(chance: number): boolean {
    return this.#random() < chance;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)];
  }

  /** Makes something that names some of what is given. */
  async make(from: readonly Hash[]): Promise<Hash> {
    const named = (chance: number) => from.length > 0 && this.some(chance) ? this.pick(from) : undefined;
    const [a, b, subject, mentions] = [named(0.4), named(0.2), named(0.25), named(0.15)];
    const members = [...new Set([a, b])].filter((member) => member !== undefined);
    return await this.maker.make({ members, subject, mentions });
  }

  /** Tags for a manifest: some of its own, some that both sides may have, some of what belongs to another. */
  tags(digest: Hash, side: string, owners: readonly Hash[]): string[] {
    return [
      ...this.some(0.3) ? [`${side}-${digest.slice(7, 15)}`] : [],
      ...this.some(0.15) ? [this.pick(["latest", "v1", "v2"])] : [],
      ...owners.length > 0 && this.some(0.25) ? [attachedTag(this.pick(owners), this.pick(endings))] : [],
    ];
  }

  async fill(): Promise<void> {
    const all: Hash[] = [];
    for (let left = 3 + Math.floor(this.#random() * 12); left > 0; left--) {
      const digest = await this.make(all);
      if (left === 1) await this.maker.put(source, digest, ["base"]);
      else if (this.some(0.5)) await this.maker.put(source, digest, this.tags(digest, "src", all));
      if (this.some(0.6)) await this.maker.put(target, digest, this.tags(digest, "dst", all));
      all.push(digest);
    }
  }

  /** Does at one of both what others may do between a plan and its use. */
  async change(isFree: (digest: Hash) => boolean = () => true): Promise<void> {
    const there = [...(await this.content(target)).digests].filter(isFree);
    if (there.length === 0) return;
    for (let left = 1 + Math.floor(this.#random() * 3); left > 0; left--) {
      const digest = this.pick(there);
      const change = this.pick(["tag", "source", "attach", "name", "name"]);
      if (change === "tag") await this.maker.put(target, digest, [this.pick(["late", "latest", "v1"])]);
      else if (change === "source") await this.maker.put(source, digest, this.some(0.5) ? ["late"] : []);
      else if (change === "attach") {
        const tag = attachedTag(digest, this.pick(endings));
        await this.maker.put(target, await this.maker.make({}), [tag]);
      } else {
        const made = await this.make([digest]);
        await this.maker.put(target, made, this.tags(made, "new", []));
      }
    }
  }

  async content(name: string): Promise<Content> {
    const { digests, tags } = (await this.world.content(name.split("/")[0])).app ?? { digests: [], tags: {} };
    return { digests: new Set(digests), tags: new Map(Object.entries(tags)) };
  }

  /** Copies; what is extra by that. */
  async copy(options: CopyRecursivelyOptions): Promise<readonly ExtraItem[]> {
    const { failures, extra } = await this.world.copy(SOURCE, TARGET, options);
    assertEquals(failures, []);
    return extra;
  }

  /** Makes sure that nothing is gone which the source has, or which something names that is there. */
  async checkWhole(before: Content): Promise<void> {
    const [ours, theirs] = [await this.content(target), await this.content(source)];
    for (const digest of theirs.digests) assert(ours.digests.has(digest), `${digest} of the source is gone`);
    for (const [tag, digest] of theirs.tags) assertEquals(ours.tags.get(tag), digest);
    for (const digest of ours.digests) {
      for (const named of this.maker.names(digest)) {
        assert(ours.digests.has(named) || !before.digests.has(named), `${digest} names ${named}, which is gone`);
      }
    }
  }

  /**
   * Checks that content that is kept, and not because of the source, has its earlier referrers, except for those that
   * were being deleted.
   */
  async checkReferring(before: Content, late: string): Promise<void> {
    const [ours, theirs] = [await this.content(target), await this.content(source)];
    const mirrored = new Set(theirs.digests);
    for (const digest of mirrored) for (const named of this.maker.names(digest)) mirrored.add(named);
    const isKept = (digest: Hash | undefined) => digest && ours.digests.has(digest) && !mirrored.has(digest);
    for (const digest of before.digests) {
      if (digest === late || !isKept(this.maker.made.get(digest)!.subject)) continue;
      assert(ours.digests.has(digest), `the referrer ${digest} is gone`);
    }
    for (const [tag, digest] of before.tags) {
      if (digest === late || !isKept(ownerOf(tag, before.digests))) continue;
      assert(ours.tags.has(tag) && ours.digests.has(digest), `what is attached by ${tag} is gone`);
    }
  }
}

function sorted({ digests, tags }: Content): unknown {
  return { digests: [...digests].sort(), tags: [...tags].sort() };
}

describe("what a recursive copy deletes, against a model", { skip: once() }, () => {
  for (const way of ["by a plan", "at once"] as const) {
    it(
      `is all that the source does not have and nothing needs, ${way}, in 100 random pairs`,
      { timeout: 120_000 },
      async () => {
        let [deleted, kept] = [0, 0];
        for (let seed = 0; seed < 100; seed++) {
          const pair = new RandomPair(seed);
          await pair.fill();
          const plan = await pair.copy({ extra: "find" });
          if (way === "by a plan") {
            const planned = new Set(plan.map(({ digest }) => digest));
            await pair.change((digest) => planned.has(digest));
          }
          // What the source has by now comes first; only what it then has not is judged.
          await pair.copy({});
          const before = await pair.content(target);
          const everything = [
            ...[...before.tags].map(([tag, digest]) => ({ repository: target, tag, digest })),
            ...[...before.digests].map((digest) => ({ repository: target, digest })),
          ];
          const onlyExtra = way === "by a plan" ? plan : undefined;
          const expected = modelOfApply(pair.maker, {
            source: await pair.content(source),
            target: before,
            allowed: onlyExtra ?? everything,
          });
          await pair.copy({ extra: "delete", onlyExtra });
          assertEquals(sorted(await pair.content(target)), sorted(expected), `seed ${seed}`);
          await pair.checkWhole(before);
          deleted += before.digests.size - expected.digests.size;
          kept += plan.filter(({ tag, digest }) => tag === undefined && expected.digests.has(digest)).length;
        }
        assert(deleted > 50, `only ${deleted} manifests were deleted`);
        if (way === "by a plan") assert(kept > 25, `only ${kept} manifests of plans were kept`);
      },
    );
  }

  it(
    "is nothing that begins to be needed while others are deleted, nor what refers to that, in 100 random pairs",
    { timeout: 120_000 },
    async () => {
      let [changed, untagged] = [0, 0];
      for (let seed = 1300; seed < 1400; seed++) {
        const pair = new RandomPair(seed);
        await pair.fill();
        await pair.copy({});
        const before = await pair.content(target);
        const onlyExtra = await pair.copy({ extra: "find" });
        let later = before;
        let late = "";
        let deletions = seed % 3;
        pair.world.intercept = async ({ method, path }) => {
          const name = path.slice(path.lastIndexOf("/") + 1);
          // A tag that belongs to something, and this very manifest, have been looked at right before.
          if (method !== "DELETE" || late !== "" || name.startsWith("sha256-") || deletions-- > 0) return undefined;
          late = name;
          changed++;
          const named = pair.maker.made.has(late as Hash) ? pair.maker.names(late as Hash) : [];
          if (!late.startsWith("sha256:")) untagged++;
          await pair.change((digest) => digest !== late && !named.includes(digest));
          later = await pair.content(target);
          return undefined;
        };
        await pair.world.copy(SOURCE, TARGET, { extra: "delete", onlyExtra, jobs: 1 });
        pair.world.intercept = () => undefined;
        await pair.copy({});
        await pair.checkWhole(before);
        await pair.checkReferring(later, late);
      }
      assert(changed > 60 && untagged > 20, `only ${changed} changes, ${untagged} of them by a tag's deletion`);
    },
  );

  it("is tags alone where registries list nothing else, in 50 random pairs", { timeout: 120_000 }, async () => {
    let deleted = 0;
    for (let seed = 2000; seed < 2050; seed++) {
      const pair = new RandomPair(seed);
      await pair.fill();
      const plain: typeof fetch = async (input, init) => {
        const response = await pair.world.fetch(input, init);
        if (!String(input).includes("/tags/list") || !response.ok) return response;
        const { name, tags } = await response.json();
        return Response.json({ name, tags });
      };
      const plan = await pair.copy({ extra: "find", fetch: plain });
      await pair.change();
      await pair.copy({ fetch: plain });
      const [before, theirs] = [await pair.content(target), await pair.content(source)];
      await pair.copy({ extra: "delete", onlyExtra: plan, fetch: plain });
      const after = await pair.content(target);
      assertEquals(after.digests, before.digests);
      for (const [tag, digest] of before.tags) {
        const isPlanned = plan.some((item) => item.tag === tag && item.digest === digest);
        if (theirs.tags.has(tag) || !isPlanned) assertEquals(after.tags.get(tag), digest, `seed ${seed}`);
        else deleted += after.tags.has(tag) ? 0 : 1;
      }
    }
    assert(deleted > 50, `only ${deleted} tags were deleted`);
  });
});
