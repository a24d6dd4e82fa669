import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { copyRecursively, type CopyRecursivelyOptions, type CopyResult, type ExtraItem } from "../../gcr/mod.ts";
import { type Hash, isHash } from "../../src/spec/mod.ts";
import { type Content, modelOfApply } from "./copy_model.ts";
import { attachedTag, randomOf } from "./gc_model.ts";
import {
  LINKS,
  type ListAnswer,
  listResponse,
  ManifestMaker,
  ModelRegistry,
  ModelRepository,
  refusal,
  WRONG_BODIES,
  WRONG_LINKS,
} from "./mirror_model.ts";
import { once } from "../project/applicable.ts";

const [SOURCE, TARGET] = ["src.example.com", "dst.example.com"];
const ENDINGS = ["", ".sig", ".att", ".sbom"];

/** How many random pairs there are; the seed of each is its number. */
const PAIRS = 1000;

/** What is wrong with one list of one side: on every read, or on one. */
interface Fault {
  readonly kind: "link" | "wrong link" | "wrong body" | "gone" | "empty" | "cut" | "mixed";
  readonly side: "source" | "target";
  /** The path of a repository; empty for the catalog. */
  readonly path: string;
  /** The number of the read that is wrong; all reads if it is `undefined`. */
  readonly read: number | undefined;
  readonly form: number;
}

/** Two registries with something in common, whose lists may be wrong and whose content changes meanwhile. */
class Pair {
  readonly maker = new ManifestMaker();
  readonly source: ModelRegistry;
  readonly target: ModelRegistry;
  /** Whether both list all manifests, so that the model knows the outcome. */
  readonly isExact: boolean;
  readonly fault: Fault | undefined;
  /** What the source has is copied, and what is allowed is deleted, in this run. */
  allowed: readonly ExtraItem[] | undefined;
  /** Whether others change content during this run. */
  isChanging = false;
  deletions = 0;
  /** The tags that the target has refused to delete. */
  readonly refused = new Set<string>();
  /** What was deleted although it may not be. */
  readonly violations: unknown[] = [];
  changes = 0;
  /** The places after whose wrong list nothing may be deleted. */
  readonly forbidden = new Set<string>();
  readonly #random: () => number;
  readonly #reads = new Map<string, number>();
  /** Whether the target refuses to delete some tags. */
  readonly #refuses: boolean;
  /** The last deletion in each repository. */
  readonly #lastDeleted = new Map<string, string>();

  constructor(seed: number) {
    this.#random = randomOf(seed);
    const byPosition = this.some(0.3);
    const google = this.some(0.75);
    const options = (google: boolean) => ({ google, byPosition, pageSize: 1 + this.index(6) });
    this.source = new ModelRegistry(this.maker, options(google));
    this.target = new ModelRegistry(this.maker, options(this.some(0.15) ? !google : google));
    this.isExact = google && this.target.google;
    this.#fill();
    this.#refuses = this.some(0.15);
    this.fault = this.some(0.5) ? this.#anyFault() : undefined;
    for (const side of ["source", "target"] as const) {
      this[side].beforeList = (path, page) => this.#beforeList(side, path, page);
      this[side].onList = (answer) => this.#list(side, answer);
    }
    this.target.onDelete = (path, what) => {
      try {
        this.#checkDeletion(path, what);
      } catch (error) {
        // The client takes an error of the registry for one of the network.
        this.violations.push(error);
      }
      return this.refused.has(`${path}:${what}`);
    };
    this.target.onTag = (path, tag) => this.#move(path, tag);
  }

  some(chance: number): boolean {
    return this.#random() < chance;
  }

  index(count: number): number {
    return Math.floor(this.#random() * count);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.index(list.length)];
  }

  /** Copies, and finds or deletes what is extra. */
  async copy(options: CopyRecursivelyOptions): Promise<CopyResult> {
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      return await (url.host === SOURCE ? this.source : this.target).handle(url, init ?? {});
    };
    const retry = { attempts: 1 };
    return await copyRecursively(SOURCE, TARGET, { fetch, retry, ...options });
  }

  /** Does what others may do at any time. */
  change(path: string): void {
    const there = [...this.target.repository(path).digests];
    if (there.length === 0) return;
    this.changes++;
    const digest = this.pick(there);
    const change = this.pick(["tag", "source", "source tag", "attach", "name", "name"]);
    if (change === "tag") this.target.put(path, digest, [this.pick(["late", "latest", "v1"])]);
    else if (change === "source") {
      // What a list of referrers belongs to is only asked for right before that list is deleted.
      const isListed = this.target.repository(path).tags.has(attachedTag(digest, ""));
      if (!this.isChanging || !isListed) this.source.put(path, digest);
    } else if (change === "source tag") {
      const tags = [...this.target.repository(path).tags.keys()].filter((tag) => !tag.startsWith("sha256-"));
      this.source.put(path, this.maker.make({}), [this.pick(["late", ...tags])]);
    } else if (change === "attach") {
      this.target.put(path, this.maker.make({}), [attachedTag(digest, this.pick(ENDINGS))]);
    } else this.target.put(path, this.#make([digest]), this.#tags(digest, "new", []));
  }

  /** Returns what must be left of the target now. */
  expected(path: string): Content {
    const target = this.target.repository(path);
    const everything: ExtraItem[] = [
      ...[...target.tags].map(([tag, digest]) => ({ repository: `${TARGET}/${path}`, tag, digest })),
      ...[...target.digests].map((digest) => ({ repository: `${TARGET}/${path}`, digest })),
    ];
    const source = this.source.repositories.get(path) ?? new ModelRepository();
    const given = this.allowed?.filter(({ repository }) => repository === `${TARGET}/${path}`) ?? everything;
    const allowed = given.filter(({ tag }) => !this.refused.has(`${path}:${tag}`));
    const isPlain = !this.target.google || !this.source.google || this.fault?.kind === "mixed";
    return modelOfApply(this.maker, { source, target, allowed, tagsAlone: isPlain });
  }

  #make(from: readonly Hash[]): Hash {
    const named = (chance: number) => from.length > 0 && this.some(chance) ? this.pick(from) : undefined;
    const [a, b, subject, mentions] = [named(0.4), named(0.2), named(0.25), named(0.15)];
    const members = [...new Set([a, b])].filter((member) => member !== undefined);
    return this.maker.make({ members, subject, mentions });
  }

  #tags(digest: Hash, side: string, owners: readonly Hash[]): string[] {
    return [
      ...this.some(0.3) ? [`${side}-${digest.slice(7, 15)}`] : [],
      ...this.some(0.15) ? [this.pick(["latest", "v1", "v2"])] : [],
      ...owners.length > 0 && this.some(0.25) ? [attachedTag(this.pick(owners), this.pick(ENDINGS))] : [],
    ];
  }

  #fill(): void {
    for (const path of ["app", "lib", "other"]) {
      const all: Hash[] = [];
      for (let left = 2 + this.index(8); left > 0; left--) {
        const digest = this.#make(all);
        const inSource = path !== "other" && (left === 1 || this.some(0.5));
        if (inSource) this.source.put(path, digest, left === 1 ? ["base"] : this.#tags(digest, "src", all));
        if (this.some(0.6)) this.target.put(path, digest, this.#tags(digest, "dst", all));
        all.push(digest);
      }
      if (this.some(0.4)) return;
    }
  }

  #anyFault(): Fault {
    const kind = this.pick([
      "link",
      "wrong link",
      "wrong link",
      "wrong body",
      "wrong body",
      "gone",
      "empty",
      "cut",
      "mixed",
    ]);
    const side = kind === "mixed" ? "target" : this.pick(["source", "source", "target"]);
    const path = this.pick(["", "app", "app", "lib", "other"]);
    // What the target never lists can't be known to need something.
    const isSometimes = (kind === "cut" && side === "target") || this.some(0.4);
    return { kind, side, path, form: this.index(100), read: isSometimes ? this.index(5) : undefined } as Fault;
  }

  /** Moves a tag right before it is looked at. */
  #move(path: string, tag: string): void {
    const { digests, tags } = this.target.repository(path);
    // By a list of tags alone, a tag of the source stands for the source's manifest.
    if (this.source.repositories.get(path)?.tags.has(tag)) return;
    if (!this.isChanging || tag.startsWith("sha256-") || !tags.has(tag) || !this.some(0.05)) return;
    this.changes++;
    tags.set(tag, this.pick([...digests]));
  }

  #beforeList(side: string, path: string, page: number): void {
    if (page === 0) this.#reads.set(`${side} ${path}`, (this.#reads.get(`${side} ${path}`) ?? -1) + 1);
    if (!this.isChanging || path === "" || side === "source") return;
    // Between the deletion of a signature's tag and of the signature, nothing can be kept any more.
    if (page === 0 && !this.#lastDeleted.get(path)?.startsWith("sha256-") && this.some(0.3)) this.change(path);
    // Removes something from the beginning of the list while it is read.
    const { digests } = this.target.repository(path);
    const loose = [...digests].sort().find((digest) =>
      !this.source.repositories.get(path)?.digests.has(digest) &&
      ![...digests].some((other) => this.maker.names(other).includes(digest))
    );
    if (page === 1 && loose && this.changes < 3 && this.some(0.5)) {
      this.changes++;
      this.target.remove(path, loose);
    }
  }

  #list(side: "source" | "target", answer: ListAnswer): Response | undefined {
    const { fault } = this;
    if (fault?.side !== side || fault.path !== answer.path) return undefined;
    if (fault.read !== undefined && fault.read !== this.#reads.get(`${side} ${answer.path}`)) return undefined;
    const { kind, form } = fault;
    const forbid = (response: Response) => {
      // Lists of the source are read before anything is deleted.
      this.forbidden.add(side === "source" || fault.read === undefined ? "" : answer.path);
      return response;
    };
    if (kind === "link") return listResponse(answer, LINKS[form % LINKS.length]);
    if (kind === "wrong body") return forbid(WRONG_BODIES[form % WRONG_BODIES.length](answer.body));
    if (kind === "gone") return refusal(form % 2 ? "NAME_UNKNOWN" : "NOT_FOUND");
    if (kind === "empty") return Response.json({ name: answer.path, tags: null, repositories: null });
    if (kind === "mixed" && form % 3 === Math.min(answer.page, 2)) {
      const { manifest: _, ...body } = answer.body;
      return listResponse({ ...answer, body }, LINKS[0]);
    }
    if (answer.next === undefined || kind === "mixed") return undefined;
    if (kind === "cut") return listResponse({ ...answer, next: undefined }, String);
    return forbid(listResponse(answer, WRONG_LINKS[form % WRONG_LINKS.length]));
  }

  /** Makes sure that what is about to be deleted is neither in the source nor needed by anything that stays. */
  #checkDeletion(path: string, what: string): void {
    for (const place of ["", path]) assert(!this.forbidden.has(place), `${what} is deleted after a list that is none`);
    const { digests, tags } = this.source.repositories.get(path) ?? new ModelRepository();
    assert(!tags.has(what) && !digests.has(what as Hash), `the source has ${what}`);
    const expected = this.expected(path);
    assert(!(isHash(what) ? expected.digests.has(what) : expected.tags.has(what)), `${what} is needed`);
    if (isHash(what)) {
      const target = this.target.repository(path);
      for (const digest of target.digests) assert(!this.maker.names(digest).includes(what), `${digest} names ${what}`);
      assert(![...target.tags.values()].includes(what), `a tag points at ${what}`);
    }
    if (this.#refuses && ["latest", "v1", "v2"].includes(what)) {
      this.refused.add(`${path}:${what}`);
      return;
    }
    this.#lastDeleted.set(path, what);
    this.deletions++;
  }
}

/** Runs one pair; returns what it was like. */
async function run(seed: number): Promise<{ pair: Pair; isExact: boolean; failed: number; kept: number }> {
  const pair = new Pair(seed);
  const isPlanned = seed % 3 !== 0;
  let failed = 0;
  if (isPlanned) {
    pair.allowed = [];
    const result = await copied(pair, { extra: "find" });
    assertEquals(pair.deletions, 0);
    failed += result.failed;
    pair.allowed = result.extra;
    for (let left = pair.index(3); left > 0; left--) pair.change(pair.pick([...pair.target.repositories.keys()]));
  }
  pair.forbidden.clear();
  // A list that is cut right after a change hides what was never seen.
  const isCut = pair.fault?.side === "target" && pair.fault.kind === "cut";
  pair.isChanging = seed % 2 === 0 && !isCut;
  // Content of the source comes first, and what is extra is judged after that.
  const result = await copied(pair, { extra: "delete", onlyExtra: pair.allowed });
  failed += result.failed;
  if (pair.violations.length > 0) throw pair.violations[0];
  const isExact = pair.isExact && !pair.isChanging && pair.refused.size === 0 &&
    (pair.fault === undefined || pair.fault.kind === "link");
  if (isExact) assertEquals(result.failures, []);
  for (const path of isExact ? pair.target.repositories.keys() : []) {
    // Once more, nothing is extra.
    const { digests, tags } = pair.target.repository(path);
    const expected = pair.expected(path);
    assertEquals([...digests].sort(), [...expected.digests].sort());
    assertEquals([...tags].sort(), [...expected.tags].sort());
    const source = pair.source.repositories.get(path) ?? new ModelRepository();
    assertEquals([...source.digests].filter((digest) => !digests.has(digest)), []);
    assertEquals([...source.tags].filter(([tag, digest]) => tags.get(tag) !== digest), []);
  }
  const kept =
    (pair.allowed ?? []).filter(({ repository, tag, digest }) =>
      tag === undefined && pair.target.repository(repository.slice(TARGET.length + 1)).digests.has(digest)
    ).length;
  return { pair, isExact, failed, kept };
}

/** Copies; an error that ends the whole copy counts as one failure. */
async function copied(
  pair: Pair,
  options: CopyRecursivelyOptions,
): Promise<Pick<CopyResult, "failed" | "extra" | "failures">> {
  try {
    return await pair.copy(options);
  } catch (error) {
    return { failed: 1, extra: [], failures: [{ name: TARGET, error }] };
  }
}

describe("a mirror whose lists are partial, wrong or changing, against a model", { skip: once() }, () => {
  it(
    `loses nothing that the source has or that is needed, in ${PAIRS} random pairs`,
    { timeout: 120_000 },
    async () => {
      const count = { deleted: 0, exact: 0, changes: 0, failed: 0, kept: 0 };
      for (let seed = 0; seed < PAIRS; seed++) {
        try {
          const { pair, isExact, failed, kept } = await run(seed);
          count.deleted += pair.deletions;
          count.exact += isExact ? 1 : 0;
          count.changes += pair.changes;
          count.failed += failed > 0 ? 1 : 0;
          count.kept += kept;
        } catch (cause) {
          throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
        }
      }
      const { deleted, exact, changes, failed, kept } = count;
      const isEnough = deleted > 2500 && exact > 100 && changes > 1000 && failed > 100 && kept > 150;
      assert(isEnough, `too little happened: ${JSON.stringify(count)}`);
    },
  );
});
