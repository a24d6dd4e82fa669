import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { collectGarbage, type CollectGarbageOptions, type CopyEvent, type GcEvent } from "../../gcr/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { digestOf } from "../fakes/mod.ts";
import { CopyWorld, cosignTag, image, SOURCE, TARGET } from "../make/copy_world.ts";
import { GcWorld, host } from "./gc_world.ts";

const rules = { remove: [{ tag: "pr-*" }], grace: 0 };

/** Deletes garbage of the repository `app`; what was found, what was left, and what failed. */
async function collect(world: GcWorld, options: CollectGarbageOptions = {}) {
  const events: GcEvent[] = [];
  const onEvent = (event: GcEvent) => void events.push(event);
  const { deleted } = await collectGarbage(parseRepository(`${host}/app`), {
    ...world.options,
    delete: true,
    jobs: 1,
    rules,
    ...options,
    onEvent,
  });
  return {
    deleted,
    found: events.flatMap((event) => event.kind === "garbage" ? [event.manifest.digest] : []),
    left: events.flatMap((event) => event.kind === "left" ? [event.name] : []),
    failures: events.flatMap((event) => event.kind === "failed" ? [(event.error as Error).message] : []),
  };
}

/** The tags of the repository `app`; none if it is unknown, as it is without a manifest. */
async function tagsOf(world: GcWorld): Promise<string[]> {
  const response = await world.fetch(`https://${host}/v2/app/tags/list`);
  return response.status === 404 ? [] : (await response.json()).tags;
}

for (const plain of [false, true]) {
  describe(`a sweep of a registry that lists ${plain ? "tags alone" : "all manifests"}`, () => {
    it("keeps all that leads on from what a kept manifest mentions", async () => {
      const world = new GcWorld({ plain });
      const child = await world.put("app", { tags: ["pr-1"] });
      const index = await world.put("app", { members: [child] });
      const kept = await world.put("app", { tags: ["v1"], mentions: index });
      const gone = await world.put("app", { tags: ["pr-2"] });
      assertEquals(await collect(world), { deleted: 1, found: [gone], left: [], failures: [] });
      assertEquals(await world.there("app", [child, index, kept, gone]), [child, index, kept]);
    });

    it("sees what has begun to refer to what is kept since it was judged", async () => {
      const world = new GcWorld({ plain });
      const kept = await world.put("app", { tags: ["v1"] });
      const child = await world.put("app", { tags: ["pr-1"] });
      let lists = 0;
      world.intervene = async ({ path }, usual) => {
        if (path.includes("/tags/list") && ++lists === 2) await world.put("app", { members: [child], subject: kept });
        return await usual();
      };
      const { found, left, failures } = await collect(world);
      assertEquals([found, left, failures], [[child], [`${host}/app@${child}`], []]);
      assertEquals(await world.there("app", [kept, child]), [kept, child]);
    });

    for (const tag of ["wanted", "pr-2"]) {
      it(`keeps the signatures of an image, and their tags, that gets the tag ${tag} meanwhile`, async () => {
        const world = new GcWorld({ plain });
        const app = await world.put("app", { tags: ["pr-1"] });
        const signature = await world.put("app", { tags: [cosignTag(app)] });
        const attestation = await world.put("app", { tags: [cosignTag(signature, ".att")] });
        let isTagged = false;
        world.intervene = async ({ method }, usual) => {
          const response = await usual();
          if (method === "DELETE" && !isTagged) await world.tag("app", tag, app);
          isTagged ||= method === "DELETE";
          return response;
        };
        const { deleted, found, left, failures } = await collect(world);
        assertEquals([deleted, found.length, failures], [0, 3, []]);
        const all = [app, signature, attestation];
        assertEquals(left.sort(), all.map((digest) => `${host}/app@${digest}`).sort());
        assertEquals(await world.there("app", all), all);
        assertEquals((await tagsOf(world)).sort(), [cosignTag(app), cosignTag(signature, ".att"), tag].sort());
      });
    }

    it("deletes an image and its signature, each after what leads to it", async () => {
      const world = new GcWorld({ plain });
      const app = await world.put("app", { tags: ["pr-1"] });
      const signature = await world.put("app", { tags: [cosignTag(app)] });
      await world.put("app", { tags: [cosignTag(signature, ".att")] });
      const { deleted, left, failures } = await collect(world);
      assertEquals([deleted, left, failures, await tagsOf(world)], [3, [], [], []]);
    });

    it("goes on, one after the other, where no more than one may be deleted at once", async () => {
      const world = new GcWorld({ plain });
      const members = [await world.put("app", { tags: ["pr-1"] }), await world.put("app", { tags: ["pr-2"] })];
      for (const digest of members) await world.put("app", { tags: [cosignTag(digest)] });
      await world.put("app", { tags: ["pr-3"], members });
      for (let left = 5; left > 0; left--) {
        const { deleted, found, failures } = await collect(world, { maxDelete: 1 });
        assertEquals([deleted, found.length, failures], [1, left, []]);
      }
    });

    it("of a mirror keeps the tag of a signature whose image gets a tag meanwhile", async () => {
      const world = new CopyWorld();
      await world.push(`${SOURCE}/app:v1`, image(1));
      await world.copy(SOURCE, TARGET);
      const digest = await world.push(`${TARGET}/app:old`, image(50));
      await world.push(`${TARGET}/app:${cosignTag(digest)}`, image(51));
      let isTagged = false;
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const response = await world.fetch(input, init);
        if (init?.method === "DELETE" && !isTagged) {
          isTagged = true;
          await world.push(`${TARGET}/app:wanted`, image(50));
        }
        if (!plain || !String(input).includes("/tags/list") || !response.ok) return response;
        const { name, tags } = await response.json();
        return Response.json({ name, tags });
      };
      const left: string[] = [];
      const onEvent = (event: CopyEvent) => void (event.kind === "left" && left.push(event.name));
      const { extra: onlyExtra } = await world.copy(SOURCE, TARGET, { extra: "find", fetch });
      const result = await world.copy(SOURCE, TARGET, { extra: "delete", onlyExtra, jobs: 1, fetch, onEvent });
      assertEquals([result.failures, result.deleted], [[], 1]);
      const signature = plain ? `:${cosignTag(digest)}` : `@${await image(51).digest()}`;
      assertEquals(left.sort(), [`${TARGET}/app${signature}`, ...plain ? [] : [`${TARGET}/app@${digest}`]].sort());
      const { tags } = (await world.content(TARGET)).app;
      assertEquals(Object.keys(tags).sort(), [cosignTag(digest), "v1", "wanted"].sort());
    });
  });
}

describe("a sweep", () => {
  it("leaves a repository alone in which one manifest leads to another without end (rule 21)", async () => {
    const world = new GcWorld({ plain: true });
    const orphan = await world.put("app", { tags: ["pr-1"] });
    const made = new Map<Hash, Uint8Array<ArrayBuffer>>();
    const next = () => {
      assert(made.size < 200, "a walk has no end");
      const bytes = jsonBytes({ schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [], n: made.size });
      const digest = digestOf(bytes);
      made.set(digest, bytes);
      return { mediaType: MediaType.OciImageIndex, digest, size: bytes.length };
    };
    const index = (bytes: BodyInit) => new Response(bytes, { headers: { "content-type": MediaType.OciImageIndex } });
    world.intervene = ({ path }) => {
      if (path.includes("/referrers/")) {
        return index(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [next()] }));
      }
      const bytes = made.get(path.slice(path.lastIndexOf("/") + 1) as Hash);
      return bytes && index(bytes);
    };
    const { deleted, failures } = await collect(world);
    assertEquals([deleted, failures.length], [0, 1]);
    assertStringIncludes(failures[0], "more than 32");
    assertEquals(await world.there("app", [orphan]), [orphan]);
  });
});
