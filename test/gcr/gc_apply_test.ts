import { assertEquals, assertRejects } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  applyGarbagePlan,
  type ApplyGarbagePlanOptions,
  collectGarbage,
  type CollectGarbageOptions,
  type GarbagePlanFile,
  type GcEvent,
  parsePlan,
  type PlannedItem,
  plannedItem,
  planText,
} from "../../gcr/mod.ts";
import { JournalError } from "../../src/errors.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { attachedTag } from "./gc_model.ts";
import { GcWorld, host, refusal } from "./gc_world.ts";

const registry = parseRegistry(host);
const rules = { grace: 0, remove: [{ tag: "pr-*" }] };

async function planOf(world: GcWorld, options: CollectGarbageOptions = { rules }): Promise<GarbagePlanFile> {
  const items: PlannedItem[] = [];
  await collectGarbage(registry, {
    ...world.options,
    ...options,
    onEvent: (event) => items.push(...[plannedItem(event)].filter((item) => item !== undefined)),
  });
  const terms = { grace: 0, orphans: false, trustCreated: false, allowMissing: false, created: "2026-01-01T00:00:00Z" };
  return parsePlan([...planText({ ...terms, items })].join(""), "plan.json");
}

async function apply(world: GcWorld, plan: GarbagePlanFile, options: ApplyGarbagePlanOptions = {}) {
  const left: string[] = [];
  const onEvent = (event: GcEvent) => void (event.kind === "left" && left.push(`${event.name} ${event.why}`));
  return { ...await applyGarbagePlan(plan, { ...world.options, onEvent, ...options }), left };
}

describe("applyGarbagePlan", () => {
  it("deletes what the plan names, and nothing else", async () => {
    const world = new GcWorld();
    const child = await world.put("a");
    const [index, untagged] = [await world.put("a", { members: [child], tags: ["pr-1"] }), await world.put("a/b")];
    const plan = await planOf(world);
    const later = await world.put("a");
    const { deleted, left } = await apply(world, plan);
    assertEquals([deleted, left], [3, []]);
    assertEquals(await world.there("a", [child, index, later]), [later]);
    assertEquals(await world.there("a/b", [untagged]), []);
    assertEquals((await apply(world, plan)).deleted, 0);
  });

  it("leaves alone what a tag, an index or a referrer leads to by now", async () => {
    const world = new GcWorld();
    const [tagged, member, subject, free] = await Promise.all(["a", "a", "a", "a"].map((name) => world.put(name)));
    const plan = await planOf(world);
    await world.tag("a", "back", tagged);
    await world.put("a", { members: [member], tags: ["new"] });
    await world.put("a", { subject, tags: ["signature"] });
    const { deleted, left } = await apply(world, plan);
    const kept = [tagged, member, subject];
    assertEquals([deleted, left], [1, kept.map((digest) => `${host}/a@${digest} changed`).sort()]);
    assertEquals(await world.there("a", [...kept, free]), kept);
  });

  it("leaves alone what is named by a tag, a subject or an annotation of what the plan does not have", async () => {
    const world = new GcWorld();
    const [subject, signed, mentioned] = [await world.put("app"), await world.put("app"), await world.put("app")];
    const plan = await planOf(world);
    assertEquals(plan.items.length, 3);
    await world.put("app", { subject });
    await world.put("app", { tags: [attachedTag(signed, ".sbom")] });
    await world.put("app", { mentions: mentioned });
    const { deleted, left } = await apply(world, plan);
    assertEquals([deleted, left.sort()], [
      0,
      [subject, signed, mentioned].map((digest) => `${host}/app@${digest} needed`).sort(),
    ]);
  });

  it("leaves alone what a tag pointed at that has moved, and what it points at now", async () => {
    const world = new GcWorld();
    const [old, next] = [await world.put("a", { tags: ["pr-1"] }), await world.put("a")];
    const loose = await world.put("a", { tags: ["v1", "pr-2"] });
    const plan = await planOf(world);
    assertEquals(plan.items.map(({ tag }) => tag), [undefined, undefined, "pr-2"]);
    await world.tag("a", "pr-1", next);
    await world.tag("a", "pr-2", next);
    const { deleted, untagged } = await apply(world, plan);
    assertEquals([deleted, untagged], [0, 0]);
    assertEquals(await world.there("a", [old, next, loose]), [old, next, loose]);
  });

  it("leaves alone what is in use by now", async () => {
    const world = new GcWorld();
    const [used, free] = [await world.put("a"), await world.put("a")];
    const plan = await planOf(world);
    const pins = { digests: new Set([used]), tags: new Set<string>() };
    assertEquals((await apply(world, plan, { pins })).deleted, 1);
    assertEquals(await world.there("a", [used, free]), [used]);
  });

  it("works on a plain registry, and does nothing where anything can't be read", async () => {
    const world = new GcWorld({ plain: true });
    const [old, kept] = [await world.put("a", { tags: ["pr-1"] }), await world.put("a", { tags: ["v1"] })];
    const plan = await planOf(world);
    world.intervene = ({ path }) => path.includes("/referrers/") ? refusal(500, "UNKNOWN") : undefined;
    assertEquals((await apply(world, plan)).failed, 1);
    assertEquals(await world.there("a", [old, kept]), [old, kept]);
    world.intervene = () => undefined;
    assertEquals((await apply(world, plan)).deleted, 1);
    assertEquals(await world.there("a", [old, kept]), [kept]);
  });
});

describe("the journal of a garbage collection", () => {
  it("lets a run that was killed go on, and is of that run alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane_gc_"));
    const journal = join(folder, "journal");
    try {
      const world = new GcWorld();
      for (const name of ["a", "b", "c"]) {
        await world.put(name);
        await world.put(name, { tags: ["v1"] });
      }
      const options = { ...world.options, rules: { grace: 0 }, delete: true, journal, jobs: 1 };
      const controller = new AbortController();
      world.intervene = ({ method, path }) => {
        if (method === "DELETE" && path.includes("/v2/b/")) controller.abort(new Error("killed"));
        return undefined;
      };
      await assertRejects(() => collectGarbage(registry, { ...options, signal: controller.signal }), Error, "killed");
      assertEquals(readFileSync(journal, "utf8").includes(`{"done":"${host}/a"}`), true);
      world.intervene = () => undefined;
      world.requests.length = 0;
      const { resumed, repositories } = await collectGarbage(registry, options);
      assertEquals([resumed, repositories], [1, 2]);
      assertEquals(world.requests.some((line) => line.includes("/v2/a/")), false);
      assertEquals((await collectGarbage(registry, { ...world.options, rules: { grace: 0 } })).garbage, 0);
      const other = { ...options, rules: { grace: 1 } };
      await assertRejects(() => collectGarbage(registry, other), JournalError, "is of other work");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
