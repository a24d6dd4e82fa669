import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { CopyRecursivelyOptions, ExtraItem } from "../../gcr/mod.ts";
import { validate } from "../../src/crane/mod.ts";
import { FakeRegistry } from "../fakes/mod.ts";
import { CopyWorld, cosignTag, fill, image, index, referrer, SOURCE, TARGET } from "../make/copy_world.ts";

/** A source, and a target that has all of it and more: a tag, a manifest without one, a repository. */
async function withExtra(): Promise<{ world: CopyWorld; extra: string[] }> {
  const world = new CopyWorld();
  await fill((reference, view) => world.push(reference, view));
  await world.copy(SOURCE, TARGET);
  const gone = image(60);
  const multi = index(61);
  await world.push(`${TARGET}/team/app:old`, gone);
  await world.push(`${TARGET}/team/app:also-v1`, image(1));
  const alone = await world.push(`${TARGET}/other`, image(62));
  const digest = await world.push(`${TARGET}/gone/multi:v1`, multi);
  const members = (await multi.children()).map(({ descriptor }) => `gone/multi@${descriptor.digest}`);
  const extra = ["team/app:old", `team/app@${await gone.digest()}`, "team/app:also-v1", `other@${alone}`];
  world.requests.length = 0;
  return { world, extra: [...extra, "gone/multi:v1", `gone/multi@${digest}`, ...members].toSorted() };
}

function texts(items: readonly ExtraItem[]): string[] {
  return items.map(({ repository, tag, digest }) =>
    `${repository.slice(TARGET.length + 1)}${tag === undefined ? `@${digest}` : `:${tag}`}`
  ).toSorted();
}

const deleting: CopyRecursivelyOptions = { extra: "delete" };

describe("what is extra at the destination of a recursive copy", () => {
  it("is not looked for unless that is asked for", async () => {
    const { world } = await withExtra();
    assertEquals((await world.copy(SOURCE, TARGET)).extra, []);
    assertEquals(world.requests.some((request) => request.includes("/gone/")), false);
  });

  it("is found, and left alone", async () => {
    const { world, extra } = await withExtra();
    const result = await world.copy(SOURCE, TARGET, { extra: "find" });
    assertEquals([texts(result.extra), result.deleted, world.writes], [extra, 0, []]);
  });

  it("is deleted, and then the destination equals the source", async () => {
    const { world, extra } = await withExtra();
    const result = await world.copy(SOURCE, TARGET, deleting);
    assertEquals([result.failed, result.deleted, texts(result.extra)], [0, extra.length, extra]);
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
    await world.validate(TARGET);
  });

  it("is deleted as far as a list has it too, and it is so still", async () => {
    const { world } = await withExtra();
    const { extra } = await world.copy(SOURCE, TARGET, { extra: "find" });
    const [old, ...others] = extra.filter(({ repository, tag }) => repository.endsWith("team/app") && tag);
    assertEquals(others.length, 1);
    // Moves the tag meanwhile, so it differs from the list.
    await world.push(`${TARGET}/team/app:${old.tag}`, image(70));
    const { deleted, failed } = await world.copy(SOURCE, TARGET, { extra: "delete", onlyExtra: [old, ...others] });
    assertEquals([deleted, failed], [1, 0]);
    assertEquals(old.tag! in (await world.content(TARGET))["team/app"].tags, true);
  });

  it("is not deleted in a dry run", async () => {
    const { world, extra } = await withExtra();
    const result = await world.copy(SOURCE, TARGET, { ...deleting, dryRun: true });
    assertEquals([texts(result.extra), result.deleted, world.writes], [extra, 0, []]);
  });

  for (
    const [what, failing] of [
      ["a listing of the source fails", /src\S+\/v2\/other\/tags\/list/],
      ["the catalog of the source fails", /src\S+\/v2\/_catalog/],
      ["a listing of the destination fails", /dst\S+\/v2\/gone\/multi\/tags\/list/],
      ["the catalog of the destination fails", /dst\S+\/v2\/_catalog/],
      ["a manifest can't be copied", /src\S+\/v2\/new\/manifests/],
    ] as const
  ) {
    it(`is never deleted when ${what}`, async () => {
      const { world } = await withExtra();
      await world.push(`${SOURCE}/new:v1`, image(80));
      const before = await world.content(TARGET);
      let isFailing = true;
      world.intercept = ({ host, path }) =>
        isFailing && failing.test(host + path) ? new Response(null, { status: 500 }) : undefined;
      const outcome = await world.copy(SOURCE, TARGET, deleting)
        .then(({ failed, deleted, extra }) => ({ failed: failed > 0, deleted, extra }), () => "failed");
      if (outcome !== "failed") assertEquals(outcome, { failed: true, deleted: 0, extra: [] });
      isFailing = false;
      assertEquals(world.requests.filter((request) => request.startsWith("DELETE")), []);
      const after = await world.content(TARGET);
      for (const name of Object.keys(before)) assertEquals(after[name], before[name]);
    });
  }

  it("is not a repository that vanishes from the source while it is copied", async () => {
    const { world } = await withExtra();
    world.intercept = ({ host, path }) =>
      host === SOURCE && path.includes("/v2/other/")
        ? Response.json({ errors: [{ code: "NAME_UNKNOWN" }] }, { status: 404 })
        : undefined;
    await world.copy(SOURCE, TARGET, deleting);
    assertEquals("other" in await world.content(TARGET), true);
  });

  it("is nothing that the options leave out of the copy", async () => {
    const { world } = await withExtra();
    const found = async (options: CopyRecursivelyOptions) =>
      texts((await world.copy(SOURCE, TARGET, { ...options, extra: "find" })).extra);
    assertEquals((await found({ exclude: ["gone"] })).some((text) => text.startsWith("gone")), false);
    // With a filter, a manifest without a tag may be what another tag needs.
    assertEquals(await found({ tagFilter: ["old"] }), ["team/app:old"]);
    assertEquals(await found({ untagged: false }), ["gone/multi:v1", "team/app:also-v1", "team/app:old"]);
    const shards = [await found({ shard: { index: 0, count: 2 } }), await found({ shard: { index: 1, count: 2 } })];
    assertEquals(shards.flat().toSorted(), await found({}));
    assertEquals(shards.every((shard) => shard.length > 0), true);
  });

  it("is not the list of what refers to a manifest, which the copy has made", async () => {
    const target = new FakeRegistry({ referrers: false });
    const world = new CopyWorld({ target });
    const app = image(1);
    const digest = await world.push(`${SOURCE}/app:v1`, app);
    await world.push(`${SOURCE}/app`, await referrer(2, app));
    await world.copy(SOURCE, TARGET);
    assertEquals(target.manifestsOf("app").has(cosignTag(digest, "")), true);
    assertEquals((await world.copy(SOURCE, TARGET, { extra: "find" })).extra, []);
  });

  it("is deleted by digest where a registry can't delete tags, unless something else needs it", async () => {
    const target = new FakeRegistry();
    const world = new CopyWorld({ target });
    const multi = index(1);
    const [member] = await multi.children();
    await world.push(`${SOURCE}/app:v1`, multi);
    await world.copy(SOURCE, TARGET);
    const alone = await world.push(`${TARGET}/app:alone`, image(2));
    await world.push(`${TARGET}/app:same`, multi);
    await world.push(`${TARGET}/app:member`, member.view as ReturnType<typeof image>);
    world.intercept = ({ method, path }) =>
      method === "DELETE" && !path.includes("sha256:") ? new Response(null, { status: 405 }) : undefined;
    const { failures, deleted } = await world.copy(SOURCE, TARGET, deleting);
    assertEquals(failures.map(({ name }) => name).toSorted(), [`${TARGET}/app:member`, `${TARGET}/app:same`]);
    const deletes = world.requests.filter((request) => /^DELETE .*sha256:/.test(request));
    assertEquals([deleted, deletes], [1, [`DELETE ${TARGET}/v2/app/manifests/${alone}`]]);
    await validate(`${TARGET}/app:v1`, { fetch: world.fetch });
  });

  it("goes on after what the registry refuses, and lists that", async () => {
    const { world, extra } = await withExtra();
    world.intercept = ({ method, path }) =>
      method === "DELETE" && path.includes("/other/") ? new Response(null, { status: 403 }) : undefined;
    const { failures, deleted } = await world.copy(SOURCE, TARGET, deleting);
    assertEquals([failures.length, deleted], [1, extra.length - 1]);
    assertEquals(failures[0].name.startsWith(`${TARGET}/other@sha256:`), true);
  });

  it("is nothing that an index needs which stays, though the source does not list it", async () => {
    const { world, extra } = await withExtra();
    const members = (await index(10).children()).map(({ descriptor }) => descriptor.digest);
    const lying: typeof fetch = async (input, init) => {
      const response = await world.fetch(input, init);
      if (!String(input).includes(`${SOURCE}/v2/team/web/multi/tags/list`)) return response;
      const listing = await response.json();
      for (const digest of members) delete listing.manifest[digest];
      return Response.json(listing);
    };
    const result = await world.copy(SOURCE, TARGET, { extra: "delete", fetch: lying });
    assertEquals([result.failed, texts(result.extra)], [0, extra]);
    await world.validate(TARGET);
  });

  it("is left alone when it got a tag meanwhile", async () => {
    const { world } = await withExtra();
    world.intercept = async ({ method, path }) => {
      if (method === "DELETE" && path.endsWith("/team/app/manifests/old")) {
        await world.push(`${TARGET}/team/app:wanted-after-all`, image(60));
      }
      return undefined;
    };
    assertEquals((await world.copy(SOURCE, TARGET, deleting)).failed, 0);
    const { tags } = (await world.content(TARGET))["team/app"];
    assertEquals([tags.old, tags["wanted-after-all"]], [undefined, await image(60).digest()]);
  });

  it("is deleted in an order that keeps what an index holds until the index is gone", async () => {
    const { world, extra } = await withExtra();
    const members = (await index(61).children()).map(({ descriptor }) => descriptor.digest as string);
    const indexDigest = await index(61).digest();
    let isIndexGone = false;
    world.intercept = ({ method, path }) => {
      if (method !== "DELETE") return undefined;
      isIndexGone ||= path.endsWith(indexDigest);
      const held = !isIndexGone && members.some((digest) => path.endsWith(digest));
      return held ? Response.json({ errors: [{ code: "DANGLING_PARENT" }] }, { status: 400 }) : undefined;
    };
    const { failed, deleted } = await world.copy(SOURCE, TARGET, deleting);
    assertEquals([failed, deleted], [0, extra.length]);
  });
});
