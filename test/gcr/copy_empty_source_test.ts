import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import type { CopyRecursivelyOptions } from "../../gcr/mod.ts";
import { HttpError, NotFoundError, ProtocolError } from "../../src/errors.ts";
import { CopyWorld, fill, image, SOURCE, TARGET } from "../make/copy_world.ts";

/** A source, and a target that equals it. */
async function mirrored(): Promise<CopyWorld> {
  const world = new CopyWorld();
  await fill((reference, view) => world.push(reference, view));
  await world.copy(SOURCE, TARGET);
  world.requests.length = 0;
  return world;
}

/** Lets the source answer some of its lists with something else. */
function answering(world: CopyWorld, path: RegExp, answer: () => Response): void {
  world.intercept = (request) => request.host === SOURCE && path.test(request.path) ? answer() : undefined;
}

/** Does so, and lets the source have no manifests in the repositories of a path. */
function without(world: CopyWorld, manifests: RegExp, path: RegExp, answer: () => Response): void {
  answering(world, path, answer);
  const lists = world.intercept;
  world.intercept = (request) => request.host === SOURCE && manifests.test(request.path) ? unknown() : lists(request);
}

/** What a copy that deletes comes to; the first error, if any. */
async function outcome(world: CopyWorld, [source, target]: readonly string[], options: CopyRecursivelyOptions = {}) {
  const result = await world.copy(source, target, { extra: "delete", ...options }).catch((error) => ({
    failures: [{ name: "", error }],
    failed: 1,
    deleted: 0,
  }));
  const { failures: [first], failed, deleted } = result;
  return { error: first?.error, name: first?.name as string | undefined, failed, deleted };
}

/** The repositories of the target that have tags. A plain list does not tell of manifests without one. */
async function tagged(world: CopyWorld): Promise<string[]> {
  return Object.entries(await world.content(TARGET)).filter(([, { tags }]) => Object.keys(tags).length > 0)
    .map(([name]) => name);
}

/** The answer that a repository or a manifest is not there. */
const unknown = () => Response.json({ errors: [{ code: "NAME_UNKNOWN" }] }, { status: 404 });
const all = [SOURCE, TARGET];
const team = [`${SOURCE}/team`, `${TARGET}/team`];

describe("a recursive copy that deletes, from a source that has nothing (rule 20)", () => {
  for (
    const [what, path, answer, roots] of [
      ["its catalog is null", /_catalog/, () => Response.json({ repositories: null }), all],
      ["its catalog is empty", /_catalog/, () => Response.json({ repositories: [] }), all],
      ["all its lists are null", /tags\/list/, () => Response.json({ tags: null }), all],
      ["it is a repository that lists nothing, nor any below", /tags\/list/, () => Response.json({ tags: [] }), team],
    ] as const
  ) {
    it(`deletes nothing where ${what}, unless that is meant`, async () => {
      const world = await mirrored();
      without(world, /\/manifests\//, path, answer);
      const before = await world.content(TARGET);
      const refused = await outcome(world, roots);
      assertEquals([refused.deleted, refused.error instanceof NotFoundError], [0, true]);
      assertEquals(refused.error.hint, "check the source; if it should be empty, use --allow-empty");
      assertEquals([world.writes, await world.content(TARGET)], [[], before]);
      const meant = await outcome(world, roots, { allowEmpty: true });
      assertEquals([meant.failed, meant.deleted > 0], [0, true]);
      assertEquals(await tagged(world), roots === all ? [] : ["other"]);
    });
  }

  it("deletes nothing that it has, though its lists have nothing, and that is meant", async () => {
    for (const path of [/_catalog/, /tags\/list/]) {
      const world = await mirrored();
      await world.push(`${TARGET}/other:old`, image(70));
      answering(world, path, () => Response.json({ repositories: [], tags: [] }));
      const { failed, deleted } = await outcome(world, all, { allowEmpty: true });
      // By a list of tags alone, only the tag is known not to be there.
      assertEquals([failed, deleted], [0, path.source === "_catalog" ? 2 : 1]);
      assertEquals(Object.keys(await world.content(TARGET)), ["other", "team/app", "team/web/multi"]);
      assertEquals(Object.keys((await world.content(TARGET)).other.tags), ["latest"]);
    }
  });

  it("deletes nothing where one of its repositories lists nothing, and names that one", async () => {
    const world = await mirrored();
    await world.push(`${TARGET}/other:old`, image(70));
    const [manifests, list] = [/\/team\/app\/manifests\//, /\/team\/app\/tags\/list/];
    without(world, manifests, list, () => Response.json({ name: "team/app", tags: null }));
    const before = await world.content(TARGET);
    const refused = await outcome(world, all);
    assertEquals([refused.name, refused.failed, refused.deleted], [`${SOURCE}/team/app`, 1, 0]);
    assertEquals(
      refused.error.message,
      `${SOURCE}/team/app is empty, so everything in ${TARGET}/team/app would be deleted`,
    );
    assertEquals(await world.content(TARGET), before);
    assertEquals((await outcome(world, all, { allowEmpty: true })).failed, 0);
    assertEquals(await tagged(world), ["other", "team/web/multi"]);
    assertEquals(Object.keys((await world.content(TARGET)).other.tags), ["latest"]);
  });

  it("deletes nothing where the list of the repository is not there, though there are some below", async () => {
    const world = await mirrored();
    await world.push(`${TARGET}/team:old`, image(70));
    answering(world, /\/v2\/team\/tags\/list/, unknown);
    const refused = await outcome(world, team);
    assertEquals([refused.failed, refused.deleted, refused.error instanceof NotFoundError], [1, 0, true]);
    const meant = await outcome(world, team, { allowEmpty: true });
    assertEquals([meant.failed, meant.deleted], [0, 2]);
    assertEquals(Object.keys(await world.content(TARGET)), ["other", "team/app", "team/web/multi"]);
  });

  it("deletes nothing where the repository is not there, nor any below, unless that is meant", async () => {
    const world = await mirrored();
    without(world, /\/manifests\/|tags\/list/, /_catalog/, () => Response.json({ repositories: [] }));
    const refused = await outcome(world, team);
    assertEquals([refused.deleted, refused.error instanceof HttpError && refused.error.status], [0, 404]);
    assertEquals(world.writes, []);
    const meant = await outcome(world, team, { allowEmpty: true });
    assertEquals([meant.failed, meant.deleted > 0], [0, true]);
    assertEquals(Object.keys(await world.content(TARGET)), ["other"]);
  });

  it("deletes nothing where a registry has no catalog, whatever is meant", async () => {
    const world = await mirrored();
    answering(world, /_catalog/, unknown);
    const refused = await outcome(world, all, { allowEmpty: true });
    assertEquals([refused.deleted, refused.error instanceof HttpError && refused.error.status], [0, 404]);
    assertEquals(world.writes, []);
  });

  it("is no failure where the destination has nothing more", async () => {
    const world = new CopyWorld();
    await world.push(`${SOURCE}/team/app/web:v1`, image(1));
    await world.copy(SOURCE, TARGET);
    // Of the two above, registries of Google's kind say that they have nothing themselves.
    const { failed, deleted } = await outcome(world, team);
    assertEquals([failed, deleted], [0, 0]);
    assertEquals((await outcome(new CopyWorld(), all)).failed, 0);
  });
});

describe("a recursive copy that deletes, from a source whose lists are none (rule 20)", () => {
  const answers: [string, () => Response][] = [
    ["{}", () => Response.json({})],
    ["errors", () => Response.json({ errors: [{ code: "DENIED" }] })],
    ["another type", () => Response.json({ name: "x", tags: "v1", repositories: "x" })],
    ["html", () => new Response("<html>")],
    ["cut JSON", () => new Response('{"tags":["v1"')],
    ["204", () => new Response(null, { status: 204 })],
    [
      "a link that can't be read",
      () => Response.json({ tags: ["v1"], repositories: ["other"] }, { headers: { link: "/v2/x?last=v1; rel=next" } }),
    ],
  ];
  for (const [what, answer] of answers) {
    it(`deletes nothing: ${what}`, async () => {
      for (const path of [/tags\/list/, /\/other\/tags\/list/, /_catalog/]) {
        const world = await mirrored();
        answering(world, path, answer);
        const before = await world.content(TARGET);
        const { error, failed, deleted } = await outcome(world, all, { allowEmpty: true });
        assertEquals([failed > 0, deleted], [true, 0]);
        assertEquals(error instanceof ProtocolError || error instanceof HttpError, true);
        assertEquals([world.writes, await world.content(TARGET)], [[], before]);
      }
    });
  }

  it("deletes nothing where the destination's lists are none", async () => {
    for (const [, answer] of answers) {
      const world = await mirrored();
      await world.push(`${TARGET}/other:old`, image(70));
      world.requests.length = 0;
      world.intercept = ({ host, path }) => host === TARGET && path.includes("/tags/list") ? answer() : undefined;
      const { failed, deleted } = await outcome(world, all);
      assertEquals([failed > 0, deleted, world.writes], [true, 0, []]);
    }
  });
});

describe("a recursive copy that deletes nothing", () => {
  it("takes a source that has nothing", async () => {
    const world = await mirrored();
    answering(world, /tags\/list/, () => Response.json({ tags: null }));
    assertEquals((await world.copy(SOURCE, TARGET)).failed, 0);
    answering(world, /tags\/list|_catalog/, unknown);
    await assertRejects(() => world.copy(SOURCE, TARGET, { allowEmpty: true }), HttpError, "404");
  });
});
