import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { collectGarbage, type CollectGarbageOptions, type GcEvent, type GcResult } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { validateImage, validateIndex } from "../../src/image/mod.ts";
import { parseRegistry, parseRepository } from "../../src/name/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { modelGarbage, randomOf, randomShapes } from "./gc_model.ts";
import { GcWorld, type GcWorldOptions, host, refusal } from "./gc_world.ts";

const HOUR = 3_600_000;
const app = parseRepository(`${host}/app`);

/** What a collection did. */
interface Collected extends GcResult {
  readonly events: readonly GcEvent[];
  /** The digests that can go. */
  readonly found: readonly Hash[];
  /** What was left: its name after the repository, and why. */
  readonly leftovers: readonly (readonly [string, string])[];
  readonly failures: readonly (readonly [string, string])[];
}

async function collect(world: GcWorld, options: CollectGarbageOptions = {}, root = app): Promise<Collected> {
  const events: GcEvent[] = [];
  const result = await collectGarbage(root, {
    ...world.options,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return {
    ...result,
    events,
    found: events.flatMap((event) => event.kind === "garbage" ? [event.manifest.digest] : []),
    leftovers: events.flatMap((event) => event.kind === "left" ? [[event.name, event.why] as const] : []),
    failures: events.flatMap((event) =>
      event.kind === "failed" ? [[event.name, (event.error as Error).message] as const] : []
    ),
  };
}

const sorted = (digests: readonly Hash[]) => [...digests].sort();

describe("collectGarbage", () => {
  it("finds what no tag leads to, and deletes it only if asked", async () => {
    const world = new GcWorld();
    const [child, orphan] = [await world.put("app"), await world.put("app")];
    const index = await world.put("app", { members: [child], tags: ["v1"] });
    const signature = await world.put("app", { subject: child });
    const sbom = await world.put("app", { subject: signature });
    const cosign = await world.put("app", { tags: [`${index.replace(":", "-")}.sig`] });
    await world.put("app", { hours: 1 });
    const listed = await collect(world);
    assertEquals([listed.found, listed.deleted, listed.failed], [[orphan], 0, 0]);
    assertEquals(world.requests.some((line) => line.startsWith("DELETE")), false);
    const deleted = await collect(world, { delete: true });
    assertEquals([deleted.deleted, deleted.left], [1, 0]);
    const kept = [child, index, signature, sbom, cosign];
    assertEquals(await world.there("app", [...kept, orphan]), kept);
    assertEquals((await collect(world)).found, []);
  });

  it("gets each manifest once, in listing and in deleting", async () => {
    const world = new GcWorld();
    for (let seed = 0; seed < 5; seed++) await world.putShapes("app", dated(seed));
    world.requests.length = 0;
    await collect(world, { delete: true, rules: { grace: 0 } });
    const gets = world.requests.filter((line) => line.startsWith("GET") && line.includes("/manifests/"));
    assertEquals(gets.filter((line, at) => gets.indexOf(line) !== at), []);
    assert(gets.length > 10);
  });

  it("keeps whole what it keeps, in 60 random repositories", { timeout: 120_000 }, async () => {
    let deleted = 0;
    for (let seed = 100; seed < 160; seed++) {
      const world = new GcWorld();
      const shapes = dated(seed);
      const digests = await world.putShapes("app", shapes);
      const model = { removes: (tag: string) => tag.startsWith("pr-"), graceHours: 24, orphans: false };
      const garbage = [...modelGarbage(shapes, model)].map((i) => digests[i]);
      const pins = { digests: new Set(digests.filter((_, i) => shapes[i].pinned)), tags: new Set<string>() };
      const result = await collect(world, { delete: true, rules: { pins, remove: [{ tag: "pr-*" }] } });
      assertEquals([sorted(result.found), result.failed, result.leftovers], [sorted(garbage), 0, []], `seed ${seed}`);
      const kept = digests.filter((digest) => !garbage.includes(digest));
      assertEquals(await world.there("app", digests), kept, `seed ${seed}`);
      await assertWhole(world, kept);
      deleted += result.deleted;
    }
    assert(deleted > 100, `only ${deleted} deleted`);
  });

  it("works on a plain registry on what tags lead to", async () => {
    for (const referrers of [true, false]) {
      const world = new GcWorld({ plain: true, referrers });
      const child = await world.put("app");
      const old = await world.put("app", { members: [child], tags: ["pr-1", "pr-2"] });
      const kept = await world.put("app", { tags: ["v1"] });
      const unknown = await world.put("app");
      const referrer = await world.put("app", { subject: old });
      const stays = await world.put("app", { subject: kept });
      const tag = (digest: Hash) => `${digest.replace(":", "-")}`;
      if (!referrers) {
        await world.put("app", { members: [referrer], tags: [tag(old)] });
        await world.put("app", { members: [stays], tags: [tag(kept)] });
      }
      const rules = { grace: 0, remove: [{ tag: "pr-*" }] };
      const result = await collect(world, { delete: true, rules });
      assertEquals([result.failed, result.left, result.unlisted], [0, 0, 1]);
      assertEquals(await world.there("app", [child, old, kept, unknown, referrer, stays]), [kept, unknown, stays]);
    }
  });

  it("keeps on a plain registry what nobody knows the age of, or goes by the time of making", async () => {
    const world = new GcWorld({ plain: true });
    const child = await world.put("app", { created: "2025-12-31T20:00:00Z" });
    await world.put("app", { members: [child], tags: ["pr-1"] });
    const old = await world.put("app", { tags: ["pr-2"], created: "2025-06-01T00:00:00Z" });
    await world.put("app", { tags: ["pr-3"], created: "1970-01-01T00:00:00Z" });
    const rules = { remove: [{ tag: "pr-*", olderThan: 24 * HOUR }] };
    const blind = await collect(world, { rules });
    assertEquals([blind.found, blind.undated], [[], 4]);
    assertEquals((await collect(world, { rules, trustCreated: true })).found, [old]);
  });

  it("goes through the repositories below, some of them, or a whole registry", async () => {
    const world = new GcWorld();
    const names = ["app", "app/a", "app/a/b", "other"];
    for (const name of names) await world.put(name);
    const found = async (options: CollectGarbageOptions, root: unknown = app) =>
      (await collect(world, options, root as typeof app)).events.flatMap((event) =>
        event.kind === "garbage" ? [event.repository.slice(host.length + 1)] : []
      );
    assertEquals(await found({}), ["app"]);
    assertEquals(await found({ recursive: true }), ["app", "app/a", "app/a/b"]);
    assertEquals(await found({}, parseRegistry(host)), names);
    assertEquals(await found({ recursive: true, repositories: ["app/a"] }), ["app/a", "app/a/b"]);
    assertEquals(await found({ exclude: ["app/*", "/^oth/"] }, parseRegistry(host)), ["app"]);
  });

  it("deletes a tag alone where its image stays", async () => {
    const world = new GcWorld();
    const image = await world.put("app", { tags: ["v1", "pr-1"] });
    const result = await collect(world, { delete: true, rules: { remove: [{ tag: "pr-*" }] } });
    assertEquals([result.garbage, result.tags, result.untagged, result.deleted], [0, 1, 1, 0]);
    assertEquals(await world.there("app", [image]), [image]);
    const listing = await (await world.fetch(`https://${host}/v2/app/tags/list`)).json();
    assertEquals(listing.tags, ["v1"]);
  });

  it("deletes tags, then what leads to others, then those", async () => {
    const world = new GcWorld();
    const child = await world.put("app");
    const inner = await world.put("app", { members: [child] });
    const outer = await world.put("app", { members: [inner], tags: ["pr-1"] });
    const referrer = await world.put("app", { subject: outer });
    world.requests.length = 0;
    await collect(world, { delete: true, jobs: 1, rules: { remove: [{ tag: "pr-*" }] } });
    const deletions = world.requests.filter((line) => line.startsWith("DELETE")).map((line) => line.split("/").at(-1));
    assertEquals(deletions, ["pr-1", referrer, outer, inner, child]);
  });

  it("refuses rules that make no sense", async () => {
    const world = new GcWorld();
    for (const rule of [{ tag: "/(/" }, { semver: "one" }, { per: "major" as const }, { repository: "" }]) {
      await assertRejects(() => collect(world, { rules: { remove: [rule] } }), UsageError);
    }
  });
});

describe("collectGarbage, when things go wrong", () => {
  /** One repository with garbage, of which something can't be read, and another one. */
  async function broken(what: RegExp, status: number, options: GcWorldOptions = {}) {
    const world = new GcWorld(options);
    const child = await world.put("app/a", { hours: 100 });
    await world.put("app/a", { members: [child], tags: ["v1"] });
    await world.put("app/a", { tags: ["pr-1"] });
    const other = await world.put("app/b", { tags: ["pr-1"] });
    world.intervene = ({ path }) => what.test(path) ? refusal(status, "UNKNOWN") : undefined;
    const rules = { grace: 0, remove: [{ tag: "pr-*" }] };
    const result = await collect(world, { delete: true, rules }, parseRegistry(host) as never);
    return { world, result, child, other };
  }

  it("leaves a repository alone of which a manifest can't be read, and goes on with the rest (rule 21)", async () => {
    const { world, result, other } = await broken(/\/v2\/app\/a\/manifests\/sha256/, 500);
    assertEquals([result.failed, result.deleted, result.found], [1, 1, [other]]);
    assertStringIncludes(result.failures[0][1], "500");
    assertEquals(world.requests.some((line) => line.startsWith("DELETE /v2/app/a")), false);
  });

  it("leaves a repository alone whose referrers can't be read", async () => {
    const { world, result, other } = await broken(/\/v2\/app\/a\/referrers/, 500, { plain: true });
    assertEquals([result.failed, result.found], [1, [other]]);
    assertEquals(world.requests.some((line) => line.startsWith("DELETE /v2/app/a")), false);
  });

  it("leaves a repository alone whose list can't be read", async () => {
    const { world, result, other } = await broken(/\/v2\/app\/a\/tags\/list/, 403);
    assertEquals([result.failed, result.found], [1, [other]]);
    assertEquals(world.requests.some((line) => line.startsWith("DELETE /v2/app/a")), false);
  });

  it("leaves a repository alone with an index whose member is gone, unless that is allowed", async () => {
    const world = new GcWorld();
    const child = await world.put("app");
    const index = await world.put("app", { members: [child], tags: ["v1"] });
    const garbage = await world.put("app");
    await world.remove("app", child);
    const result = await collect(world, { delete: true });
    assertEquals([result.failed, result.deleted], [1, 0]);
    assertStringIncludes(result.failures[0][1], `app@${index} names ${child}, which the repository does not have`);
    assertEquals((await collect(world, { delete: true, allowMissing: true })).deleted, 1);
    assertEquals(await world.there("app", [index, garbage]), [index]);
  });

  it("looks at what an index names though no list does", async () => {
    const world = new GcWorld();
    const leaf = await world.put("app");
    const inner = await world.put("app", { members: [leaf] });
    await world.put("app", { members: [inner], tags: ["v1"] });
    world.intervene = async ({ path }, usual) => {
      if (!path.includes("/tags/list")) return await usual();
      const answer = await (await usual()).json();
      delete answer.manifest[inner];
      return new Response(JSON.stringify(answer));
    };
    assertEquals((await collect(world)).found, []);
  });

  it("does not believe a list that has what is not there", async () => {
    const world = new GcWorld();
    await world.put("app");
    world.intervene = async ({ path }, usual) => {
      if (!path.includes("/tags/list")) return await usual();
      const answer = await (await usual()).json();
      answer.manifest[`sha256:${"0".repeat(64)}`] = { tag: [], timeUploadedMs: "1" };
      return new Response(JSON.stringify(answer));
    };
    assertEquals((await collect(world, { delete: true })).failed, 1);
    assertEquals(world.requests.some((line) => line.startsWith("DELETE")), false);
  });

  it("keeps what was tagged, or taken into an index, after it was judged", async () => {
    const world = new GcWorld();
    const [tagged, taken, garbage] = [await world.put("app"), await world.put("app"), await world.put("app")];
    let lists = 0;
    world.intervene = async ({ path }, usual) => {
      if (path.includes("/tags/list") && ++lists === 2) {
        await world.tag("app", "late", tagged);
        await world.put("app", { members: [taken], tags: ["new"], hours: 0 });
      }
      return await usual();
    };
    const result = await collect(world, { delete: true });
    assertEquals([result.garbage, result.deleted, result.left], [3, 1, 2]);
    assertEquals(result.leftovers.map(([, why]) => why), ["changed", "changed"]);
    assertEquals(await world.there("app", [tagged, taken, garbage]), [tagged, taken]);
  });

  it("leaves an image whose tag moves at the last moment, and what the tag points at now", async () => {
    const world = new GcWorld();
    const old = await world.put("app", { tags: ["pr-1"] });
    const next = await world.put("app", { tags: ["pr-2"] });
    let heads = 0;
    world.intervene = async ({ method, path }, usual) => {
      if (method === "HEAD" && path.endsWith("/pr-1") && heads++ === 0) await world.tag("app", "pr-1", next);
      return await usual();
    };
    const result = await collect(world, { delete: true, jobs: 1, rules: { remove: [{ tag: "pr-1" }] } });
    assertEquals([result.deleted, result.leftovers], [0, [[`${app}@${old}`, "changed"]]]);
    assertEquals(await world.there("app", [old, next]), [old, next]);
  });

  it("lists what the registry refuses to delete, leaves all that it needs, and goes on", async () => {
    const world = new GcWorld();
    const child = await world.put("app");
    const parent = await world.put("app", { members: [child] });
    const other = await world.put("app");
    world.intervene = ({ method, path }) =>
      method === "DELETE" && path.endsWith(parent) ? refusal(403, "DENIED", "manifest is locked") : undefined;
    const result = await collect(world, { delete: true });
    assertEquals([result.deleted, result.left], [1, 2]);
    assertEquals(result.leftovers, [[`${app}@${parent}`, "refused"], [`${app}@${child}`, "needed"]]);
    assertEquals(sorted(await world.there("app", [child, parent, other])), sorted([child, parent]));
  });

  it("lists everything where nothing can be deleted", async () => {
    const world = new GcWorld();
    await world.put("app");
    await world.put("app", { tags: ["v1", "pr-1"] });
    world.intervene = ({ method }) => method === "DELETE" ? refusal(405, "UNSUPPORTED") : undefined;
    const result = await collect(world, { delete: true, rules: { remove: [{ tag: "pr-*" }] } });
    assertEquals([result.deleted, result.untagged, result.leftovers.map(([, why]) => why)], [0, 0, [
      "refused",
      "refused",
    ]]);
  });

  it("deletes an image without its tags first where a registry deletes no tags", async () => {
    const world = new GcWorld();
    const image = await world.put("app", { tags: ["pr-1", "pr-2"] });
    world.intervene = ({ method, path }) =>
      method === "DELETE" && path.includes("/pr-") ? refusal(405, "UNSUPPORTED") : undefined;
    const result = await collect(world, { delete: true, rules: { remove: [{ tag: "pr-*" }] } });
    assertEquals([result.deleted, result.left], [1, 0]);
    assertEquals(await world.there("app", [image]), []);
  });

  it("leaves an image with a tag that can't be changed", async () => {
    const world = new GcWorld();
    const child = await world.put("app");
    const image = await world.put("app", { members: [child], tags: ["pr-1"] });
    world.intervene = ({ method, path }) =>
      method === "DELETE" && path.endsWith("/pr-1") ? refusal(409, "TAG_IMMUTABLE") : undefined;
    const result = await collect(world, { delete: true, rules: { remove: [{ tag: "pr-*" }] } });
    assertEquals(result.leftovers, [[`${app}@${image}`, "refused"], [`${app}@${child}`, "needed"]]);
    assertEquals(await world.there("app", [child, image]), [child, image]);
  });

  it("stops at as much as may be deleted, parents first", async () => {
    const world = new GcWorld();
    const child = await world.put("app");
    const parent = await world.put("app", { members: [child] });
    const result = await collect(world, { delete: true, maxDelete: 1 });
    assertEquals([result.deleted, result.capped, result.leftovers], [1, 1, [[`${app}@${child}`, "capped"]]]);
    assertEquals(await world.there("app", [child, parent]), [child]);
  });

  it("looks again before each deletion (rule 20)", async () => {
    const world = new GcWorld();
    const child = await world.put("app");
    const parent = await world.put("app", { members: [child] });
    world.intervene = async ({ method, path }, usual) => {
      if (method === "DELETE" && path.endsWith(parent)) await world.tag("app", "late", child);
      return await usual();
    };
    const result = await collect(world, { delete: true });
    assertEquals([result.deleted, result.leftovers], [1, [[`${app}@${child}`, "changed"]]]);
  });

  it("keeps what a referrer needs that came while others were deleted, on a plain registry too", async () => {
    for (const plain of [false, true]) {
      const world = new GcWorld({ plain });
      const tags = [["pr-1"], ["pr-2"]];
      const [first, second] = [await world.put("app", { tags: tags[0] }), await world.put("app", { tags: tags[1] })]
        .toSorted();
      world.intervene = async ({ method, path }, usual) => {
        if (method === "DELETE" && path.endsWith(first)) await world.put("app", { subject: second });
        return await usual();
      };
      const rules = { remove: [{ tag: "pr-*" }], grace: 0 };
      const result = await collect(world, { delete: true, jobs: 1, rules });
      assertEquals([result.deleted, result.leftovers], [1, [[`${app}@${second}`, "needed"]]]);
      assertEquals(await world.there("app", [first, second]), [second]);
    }
  });

  it("deletes nothing more of a repository that can't be looked at again", async () => {
    const world = new GcWorld();
    const both = [await world.put("app"), await world.put("app")];
    let isGone = false;
    world.intervene = ({ method, path }) => {
      isGone ||= method === "DELETE";
      return isGone && path.includes("/tags/list") ? refusal(403, "DENIED") : undefined;
    };
    const result = await collect(world, { delete: true, jobs: 1 });
    assertEquals([result.deleted, result.failed, (await world.there("app", both)).length], [1, 1, 1]);
  });

  it("ends with the reason of its signal and deletes nothing more", async () => {
    const world = new GcWorld();
    const all = [await world.put("app"), await world.put("app"), await world.put("app")];
    const controller = new AbortController();
    world.intervene = ({ method }) => {
      if (method === "DELETE") controller.abort(new Error("enough"));
      return undefined;
    };
    await assertRejects(() => collect(world, { delete: true, jobs: 1, signal: controller.signal }), Error, "enough");
    assert((await world.there("app", all)).length >= 2);
  });
});

/** Creates random shapes with known ages, as this registry lists all times. */
function dated(seed: number) {
  return randomShapes(randomOf(seed)).map((shape) => ({ ...shape, hours: shape.hours ?? 1 }));
}

/** Reads every image and index that was kept, with all that they hold. */
async function assertWhole(world: GcWorld, digests: readonly Hash[]): Promise<void> {
  for (const digest of digests) {
    const view = (await world.puller.get(app.digest(digest))).view();
    if (view.kind === "index") await validateIndex(view);
    else await validateImage(view);
  }
}
