import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { CopyEvent, CopyRecursivelyOptions, ExtraItem } from "../../gcr/mod.ts";
import { appendManifests, changeImage, changeIndex } from "../../src/mutate/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { FakeRegistry } from "../fakes/mod.ts";
import { CopyWorld, cosignTag, image, index, referrer, SOURCE, TARGET } from "../make/copy_world.ts";

const app = `${TARGET}/app`;

/** A source with `app:v1`, the same at the target, and more there: what `more` puts. */
async function mirrored(more: (world: CopyWorld) => Promise<unknown>, world = new CopyWorld()): Promise<CopyWorld> {
  await world.push(`${SOURCE}/app:v1`, image(1));
  await world.copy(SOURCE, TARGET);
  await more(world);
  return world;
}

async function planOf(world: CopyWorld, source = SOURCE, target = TARGET): Promise<readonly ExtraItem[]> {
  const { extra, failures } = await world.copy(source, target, { extra: "find" });
  assertEquals(failures, []);
  return extra;
}

/** Copies and deletes; what was deleted, what was left with the reason, and how much failed. */
async function deleting(world: CopyWorld, options: CopyRecursivelyOptions = {}, [source, target] = [SOURCE, TARGET]) {
  const deleted: string[] = [];
  const left: string[] = [];
  const onEvent = (event: CopyEvent) => {
    if (event.kind === "left") left.push(`${event.name}: ${event.reason}`);
    if (event.kind !== "deleted") return;
    const { repository, tag, digest } = event.item;
    deleted.push(tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`);
  };
  const result = await world.copy(source, target, { extra: "delete", ...options, onEvent });
  assertEquals(result.deleted, deleted.length);
  return { deleted: deleted.toSorted(), left: left.toSorted(), failed: result.failed };
}

/** Lets a tag point at a manifest that is there. */
async function retag(world: CopyWorld, digest: Hash, tag: string): Promise<void> {
  await new Pusher({ fetch: world.fetch }).tag(parseRepository(app).digest(digest), tag);
}

describe("a plan of what is extra", () => {
  it("does not delete what became a member of an index, nor what that one needs", async () => {
    const inner = index(50);
    const world = await mirrored((world) => world.push(app, inner));
    const onlyExtra = await planOf(world);
    assertEquals(onlyExtra.length, 3);
    const outer = appendManifests(index(60, []), [inner]);
    await world.push(`${app}:live`, outer);
    const { deleted, left, failed } = await deleting(world, { onlyExtra });
    assertEquals([deleted, failed], [[], 0]);
    const digest = await outer.digest();
    const members = (await inner.children()).map(({ descriptor }) => descriptor.digest);
    const nested = await inner.digest();
    assertEquals(
      left,
      [
        `${app}@${nested}: ${app}@${digest} needs it, which is kept`,
        ...members.map((member) => `${app}@${member}: ${app}@${nested} needs it, which is kept`),
      ].toSorted(),
    );
    await world.validate(TARGET);
  });

  it("does not delete what a new referrer, signature or annotation names", async () => {
    const [subject, signed, named, free] = [image(50), image(51), image(52), image(53)];
    const all = [subject, signed, named, free];
    const world = await mirrored(async (world) => {
      for (const view of all) await world.push(app, view);
    });
    const onlyExtra = await planOf(world);
    assertEquals(onlyExtra.length, 4);
    const signature = await referrer(60, subject);
    await world.push(app, signature);
    await world.push(`${app}:${cosignTag(await signed.digest(), ".att")}`, image(61));
    const naming = changeImage(image(62), { annotations: { "com.example.of": await named.digest() } });
    await world.push(app, naming);
    const { deleted, left, failed } = await deleting(world, { onlyExtra });
    assertEquals([deleted, failed], [[`${app}@${await free.digest()}`], 0]);
    assertEquals(
      left,
      [
        `${app}@${await subject.digest()}: ${app}@${await signature.digest()} needs it, which is kept`,
        `${app}@${await signed.digest()}: ${app}@${await image(61).digest()} needs it, which is kept`,
        `${app}@${await named.digest()}: ${app}@${await naming.digest()} needs it, which is kept`,
      ].toSorted(),
    );
  });

  it("leaves whole what got a tag that the plan has not, and deletes the tag that it has", async () => {
    const old = image(50);
    const signature = await referrer(51, old);
    const digest = await old.digest();
    const cosign = cosignTag(digest);
    const world = await mirrored(async (world) => {
      await world.push(`${app}:old`, old);
      await world.push(app, signature);
      await world.push(`${app}:${cosign}`, image(52));
    });
    const onlyExtra = await planOf(world);
    await retag(world, digest, "wanted");
    const { deleted, left } = await deleting(world, { onlyExtra });
    assertEquals(deleted, [`${app}:old`]);
    assertEquals(
      left,
      [
        `${app}@${digest}: the tag wanted points at it`,
        `${app}@${await signature.digest()}: it belongs to ${app}@${digest}, which is kept`,
        `${app}:${cosign}: it belongs to ${app}@${digest}, which is kept`,
        `${app}@${await image(52).digest()}: it belongs to ${app}@${digest}, which is kept`,
      ].toSorted(),
    );
  });

  it("leaves alone what the source has by now, and a tag that moved", async () => {
    const [late, moved] = [image(50), image(51)];
    const world = await mirrored(async (world) => {
      await world.push(app, late);
      await world.push(`${app}:moved`, moved);
    });
    const onlyExtra = await planOf(world);
    await world.push(`${SOURCE}/app`, late);
    await world.push(`${app}:moved`, image(1));
    const { deleted, left } = await deleting(world, { onlyExtra });
    assertEquals(deleted, [`${app}@${await moved.digest()}`]);
    assertEquals(
      left,
      [
        `${app}@${await late.digest()}: the source has it`,
        `${app}:moved: the tag has moved`,
      ].toSorted(),
    );
  });

  it("looks again before each deletion (rule 20)", async () => {
    const [first, second] = [image(50), image(51)];
    const digests = [await first.digest(), await second.digest()].toSorted();
    const world = await mirrored(async (world) => {
      await world.push(app, first);
      await world.push(app, second);
    });
    world.intercept = async ({ method, path }) => {
      if (method === "DELETE" && path.endsWith(digests[0])) await retag(world, digests[1] as Hash, "late");
      return undefined;
    };
    const { deleted, left, failed } = await deleting(world, { jobs: 1 });
    assertEquals([deleted, failed], [[`${app}@${digests[0]}`], 0]);
    assertEquals(left, [`${app}@${digests[1]}: its tags have changed`]);
  });

  for (
    const [what, failing] of [
      ["a manifest", ({ digest }: { digest: string }) => new RegExp(`manifests/${digest}$`)],
      ["the list of tags", () => /tags\/list/],
    ] as const
  ) {
    it(`deletes nothing of a repository of which ${what} can't be read again`, async () => {
      const world = await mirrored((world) => world.push(app, image(50)));
      const onlyExtra = await planOf(world);
      const late = await world.push(`${app}:late`, image(51));
      const pattern = failing({ digest: late });
      let seen = 0;
      world.intercept = ({ method, host, path }) =>
        method === "GET" && host === TARGET && pattern.test(path) && (what === "a manifest" || ++seen > 2)
          ? Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 })
          : undefined;
      const { deleted, failed } = await deleting(world, { onlyExtra });
      assertEquals([deleted, failed, world.requests.filter((line) => line.startsWith("DELETE"))], [[], 1, []]);
    });
  }

  it("deletes nothing for an index that stays and of which a member is missing", async () => {
    const broken = index(60);
    const world = await mirrored(async (world) => {
      await world.push(app, image(50));
      await world.push(app, broken);
    });
    const onlyExtra = await planOf(world);
    const [{ descriptor: { digest } }] = await broken.children();
    await retag(world, await broken.digest(), "live");
    world.intercept = ({ method, host, path }) =>
      method === "GET" && host === TARGET && path.endsWith(digest)
        ? Response.json({ errors: [{ code: "MANIFEST_UNKNOWN" }] }, { status: 404 })
        : undefined;
    const { deleted, failed } = await deleting(world, { onlyExtra });
    assertEquals([deleted, failed], [[], 1]);
  });
});

describe("what is extra without a plan", () => {
  it("is nothing that the subject or an annotation of a manifest names which stays", async () => {
    const [subject, named, member] = [image(50), image(51), image(52)];
    const world = new CopyWorld();
    const signature = await referrer(60, subject);
    const naming = changeIndex(index(61), { annotations: { "com.example.of": `${await named.digest()}` } });
    await world.push(`${SOURCE}/app:v1`, image(1));
    await world.push(`${SOURCE}/app:sig`, signature);
    await world.push(`${SOURCE}/app:naming`, naming);
    await world.copy(SOURCE, TARGET);
    for (const view of [subject, named, member]) await world.push(app, view);
    const { deleted, left, failed } = await deleting(world);
    assertEquals([deleted, failed], [[`${app}@${await member.digest()}`], 0]);
    assertEquals(
      left.map((line) => line.split(": ")[0]),
      [
        `${app}@${await subject.digest()}`,
        `${app}@${await named.digest()}`,
      ].toSorted(),
    );
  });

  it("is what refers to a manifest of the source that the source does not have", async () => {
    const signature = await referrer(60, image(1));
    const world = await mirrored((world) => world.push(app, signature));
    assertEquals((await deleting(world)).deleted, [`${app}@${await signature.digest()}`]);
  });

  it("is not deleted by digest, where tags can't be, if the referrers API tells of what needs it", async () => {
    const target = new FakeRegistry();
    const [free, signed] = [image(50), image(51)];
    const world = await mirrored(async (world) => {
      await world.push(`${app}:free`, free);
      await world.push(`${app}:signed`, signed);
      await world.push(app, await referrer(60, signed));
    }, new CopyWorld({ target }));
    world.intercept = ({ method, path }) =>
      method === "DELETE" && !path.includes("sha256:") ? new Response(null, { status: 405 }) : undefined;
    const { failed, deleted } = await deleting(world);
    assertEquals([failed, deleted], [1, [`${app}:free`]]);
    const there = target.manifestsOf("app");
    assertEquals([there.has(await free.digest()), there.has(await signed.digest())], [false, true]);
  });
});

describe("a registry that is copied to a path", () => {
  const below = `${TARGET}/team`;

  async function world(): Promise<{ world: CopyWorld; extra: string[] }> {
    const world = new CopyWorld();
    await world.push(`${SOURCE}/app:v1`, image(1));
    await world.push(`${SOURCE}/deep/er:v1`, index(2));
    await world.copy(SOURCE, below);
    for (const name of ["app", "deep/er", "gone/far"]) await world.push(`${below}/${name}:old`, image(50));
    // What is beside the path, and what the path itself names, is no copy.
    for (const name of ["app", "teams/app", "team", "gone/far"]) await world.push(`${TARGET}/${name}:old`, image(50));
    const digest = await image(50).digest();
    const extra = ["app", "deep/er", "gone/far"].flatMap((name) => [
      `${below}/${name}:old`,
      `${below}/${name}@${digest}`,
    ]);
    return { world, extra: extra.toSorted() };
  }

  for (const way of ["at once", "with a plan"]) {
    it(`deletes what is extra below the path alone, ${way}`, async () => {
      const { world: copied, extra } = await world();
      const beside = Object.entries(await copied.content(TARGET)).filter(([name]) => !name.startsWith("team/"));
      assertEquals(beside.length, 4);
      const onlyExtra = way === "at once" ? undefined : await planOf(copied, SOURCE, below);
      const { deleted, failed } = await deleting(copied, { onlyExtra }, [SOURCE, below]);
      assertEquals([deleted, failed], [extra, 0]);
      const after = await copied.content(TARGET);
      for (const [name, content] of beside) assertEquals(after[name], content);
      assertEquals(
        Object.entries(after).filter(([name]) => name.startsWith("team/")),
        Object.entries(await copied.content(SOURCE)).map(([name, content]) => [`team/${name}`, content]),
      );
    });
  }

  it("deletes nothing outside the path, whatever the plan names", async () => {
    const { world: copied } = await world();
    const onlyExtra = (await planOf(copied, SOURCE, below)).map((item) => ({
      ...item,
      repository: item.repository.replace("/team/", "/"),
    }));
    const { deleted } = await deleting(copied, { onlyExtra }, [SOURCE, below]);
    assertEquals([deleted, copied.requests.filter((line) => line.startsWith("DELETE"))], [[], []]);
  });
});
