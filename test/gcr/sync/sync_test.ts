import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { type CopyEvent, type CopyResult, parseSyncFile, syncImages, type SyncOptions } from "../../../gcr/mod.ts";
import { UsageError } from "../../../src/errors.ts";

import { FakeRegistry } from "../../fakes/mod.ts";
import { CopyWorld, cosignTag, fill, image, index, referrer, SOURCE, TARGET } from "../../make/copy_world.ts";
import { inFolder } from "../../make/folders.ts";

/** Runs the entries of a file in a world. */
async function sync(
  world: CopyWorld,
  entries: string,
  options: SyncOptions = {},
): Promise<CopyResult & { events: CopyEvent[] }> {
  const file = await parseSyncFile(entries, "sync.yml", { environment: () => undefined });
  const events: CopyEvent[] = [];
  const result = await syncImages(file.entries, {
    fetch: world.fetch,
    retry: { wait: () => Promise.resolve() },
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { ...result, events };
}

async function tagsOf(world: CopyWorld, repository: string): Promise<string[]> {
  return Object.keys((await world.content(TARGET))[repository]?.tags ?? {});
}

const repository = (further = "") => `
sync:
  - source: ${SOURCE}/app
    target: ${TARGET}/copy
    type: repository
${further}`;

async function versions(registries?: ConstructorParameters<typeof CopyWorld>[0]): Promise<CopyWorld> {
  const world = new CopyWorld(registries);
  for (const [seed, tag] of ["v1.0.0", "v1.2.0", "v1.3.0-rc.1", "v2.0.0", "latest", "v1.2.0-debug"].entries()) {
    await world.push(`${SOURCE}/app:${tag}`, image(seed));
  }
  return world;
}

describe("syncImages", () => {
  for (const [name, source] of [["Google's listing", undefined], ["a plain one", true]] as const) {
    it(`copies the tags that allow, deny and a range leave, from ${name}`, async () => {
      const world = await versions(source && { source: new FakeRegistry() });
      const chosen = `    tags: { semverRange: [">=1.0.0 <2.0.0"], deny: [".*-debug"] }`;
      const { failed, tags } = await sync(world, repository(chosen));
      assertEquals([failed, tags], [0, 3]);
      assertEquals(await tagsOf(world, "copy"), ["v1.0.0", "v1.2.0", "v1.3.0-rc.1"]);
      world.requests.length = 0;
      assertEquals((await sync(world, repository(chosen))).tags, 0);
      assertEquals(world.writes, []);
    });
  }

  it("reports a choice that matches nothing", async () => {
    const world = await versions();
    const { events, failed } = await sync(world, repository(`    tags: { allow: [none] }`));
    assertEquals([failed, events.filter(({ kind }) => kind === "unmatched")], [0, [
      { kind: "unmatched", source: `${SOURCE}/app` },
    ]]);
  });

  it("copies one repository, and not those below", async () => {
    const world = new CopyWorld();
    await world.push(`${SOURCE}/app:v1`, image(1));
    await world.push(`${SOURCE}/app/below:v1`, image(2));
    await sync(world, repository());
    assertEquals(Object.keys(await world.content(TARGET)), ["copy"]);
  });

  it("copies the repositories of a registry that allow and deny leave", async () => {
    const world = new CopyWorld();
    await fill(world.push);
    const entry =
      `{ source: ${SOURCE}, target: ${TARGET}/all, type: registry, repos: { allow: ["team/.*"], deny: [".*/app"] } }`;
    await sync(world, `sync: [${entry}]`);
    assertEquals(Object.keys(await world.content(TARGET)), ["all/team/web/multi"]);
  });

  it("copies an image to another tag, by tag and by digest, and within its repository", async () => {
    const world = new CopyWorld();
    const digest = await world.push(`${SOURCE}/app:v1`, image(1));
    const entry = (source: string, target: string) => `  - { source: "${source}", target: "${target}", type: image }\n`;
    const { failed, tags } = await sync(
      world,
      `sync:\n${entry(`${SOURCE}/app:v1`, `${TARGET}/copy:stable`)}` +
        `${entry(`${SOURCE}/app@${digest}`, `${TARGET}/copy:pinned`)}${
          entry(`${SOURCE}/app:v1`, `${SOURCE}/app:same`)
        }`,
    );
    assertEquals([failed, tags], [0, 3]);
    assertEquals((await world.content(TARGET)).copy.tags, { pinned: digest, stable: digest });
    assertEquals((await world.content(SOURCE)).app.tags, { same: digest, v1: digest });
  });

  it("reports an image that is missing, and copies the rest", async () => {
    const world = new CopyWorld();
    await world.push(`${SOURCE}/app:v1`, image(1));
    const entry = (tag: string) => `  - { source: ${SOURCE}/app:${tag}, target: ${TARGET}/app:${tag}, type: image }\n`;
    const { failed, failures } = await sync(world, `sync:\n${entry("none")}${entry("v1")}`);
    assertEquals([failed, failures[0].name], [1, `${SOURCE}/app:none`]);
    assertEquals(await tagsOf(world, "app"), ["v1"]);
  });

  it("copies the image of one platform, and an index of several", async () => {
    const world = new CopyWorld();
    await world.push(`${SOURCE}/app:v1`, index(1));
    await sync(world, repository(`    platform: linux/amd64`));
    const [{ descriptor }] = await index(1).children();
    assertEquals((await world.content(TARGET)).copy.tags, { v1: descriptor.digest });
    await sync(world, repository(`    platforms: [linux/amd64, linux/arm64]`));
    assertEquals((await world.content(TARGET)).copy.tags, { v1: await index(1).digest() });
  });

  it("leaves out manifests of other media types", async () => {
    const world = new CopyWorld({ source: new FakeRegistry() });
    await world.push(`${SOURCE}/app:one`, image(1));
    await world.push(`${SOURCE}/app:multi`, index(2));
    const { events } = await sync(
      world,
      repository(`    mediaTypes: ["application/vnd.oci.image.index.v1+json"]`),
    );
    assertEquals(await tagsOf(world, "copy"), ["multi"]);
    assertEquals(events.filter(({ kind }) => kind === "left"), [{
      kind: "left",
      name: `${SOURCE}/app:one`,
      reason: "its media type application/vnd.oci.image.manifest.v1+json is not one to copy",
    }]);
  });
});

describe("syncImages, referrers", () => {
  async function signed(registries?: ConstructorParameters<typeof CopyWorld>[0]) {
    const world = new CopyWorld(registries);
    const app = image(1);
    const digest = await world.push(`${SOURCE}/app:v1`, app);
    const signature = await world.push(`${SOURCE}/app`, await referrer(2, app));
    await world.push(`${SOURCE}/app:${cosignTag(digest)}`, image(3));
    return { world, digest, signature, cosign: await image(3).digest() };
  }

  const entry = (further: string) => repository(`    tags: { allow: [v1] }\n    ${further}`);
  const found = async (world: CopyWorld) => (await world.content(TARGET)).copy.digests.toSorted();

  it("copies neither kind without a request", async () => {
    const { world, digest } = await signed();
    await sync(world, entry(""));
    assertEquals(await found(world), [digest]);
  });

  it("copies what the registry lists with referrers", async () => {
    const { world, digest, signature } = await signed();
    await sync(world, entry("referrers: true"));
    assertEquals(await found(world), [digest, signature].toSorted());
  });

  it("copies tags with the digest with digestTags", async () => {
    const { world, digest, cosign } = await signed();
    await sync(world, entry("digestTags: true"));
    assertEquals(await found(world), [digest, cosign].toSorted());
  });

  it("copies both for a single image", async () => {
    const { world, digest, signature, cosign } = await signed();
    await sync(
      world,
      `sync: [{ source: ${SOURCE}/app:v1, target: ${TARGET}/copy:v1, type: image, referrers: true, digestTags: true }]`,
    );
    assertEquals(await found(world), [digest, signature, cosign].toSorted());
  });

  for (const [name, source] of [["the API", undefined], ["a tag", true]] as const) {
    it(`copies what a filter accepts, of a registry with ${name}`, async () => {
      const { world, digest, signature } = await signed(source && { source: new FakeRegistry() });
      const type = (await (await referrer(2, image(1))).manifest()).config.mediaType;
      await sync(world, entry(`referrers: true\n    referrerFilters: [{ artifactType: application/none }]`));
      assertEquals(await found(world), [digest]);
      await sync(world, entry(`referrers: true\n    referrerFilters: [{ artifactType: "${type}" }]`));
      assertEquals((await found(world)).includes(signature), true);
    });
  }

  it("looks for new referrers of an image that is there, but not with fastCheck", async () => {
    const { world, digest, signature } = await signed();
    await sync(world, entry(""));
    await sync(world, entry("referrers: true\n    fastCheck: true"));
    assertEquals(await found(world), [digest]);
    await sync(world, entry("referrers: true"));
    assertEquals(await found(world), [digest, signature].toSorted());
  });
});

describe("syncImages, forceRecursive", () => {
  it("sends content that the target has lost", async () => {
    const target = new FakeRegistry();
    const world = new CopyWorld({ target });
    await world.push(`${SOURCE}/app:v1`, image(1));
    await sync(world, repository());
    const [{ digest }] = (await image(1).manifest()).layers;
    target.blobsOf("copy").delete(digest);
    await sync(world, repository());
    assertEquals(target.blobsOf("copy").has(digest), false);
    await sync(world, repository("    forceRecursive: true"));
    assertEquals(target.blobsOf("copy").has(digest), true);
  });
});

describe("syncImages, backups", () => {
  const entry = repository(`    backup: "bkup-{{.Ref.Tag}}"`);

  async function moved(text = entry) {
    const world = new CopyWorld();
    const first = await world.push(`${SOURCE}/app:v1`, image(1));
    await sync(world, text);
    const second = await world.push(`${SOURCE}/app:v1`, image(2));
    return { world, first, second };
  }

  it("keeps what a tag pointed at under the name of the template", async () => {
    const { world, first, second } = await moved();
    await sync(world, entry);
    assertEquals((await world.content(TARGET)).copy.tags, { "bkup-v1": first, v1: second });
    world.requests.length = 0;
    await sync(world, entry);
    assertEquals(world.writes, []);
  });

  it("can keep it in another repository", async () => {
    const text = repository(`    backup: "${TARGET}/old/{{ .Ref.Repository }}:{{ .Ref.Tag | upper }}"`);
    const { world, first } = await moved(text);
    await sync(world, text);
    assertEquals((await world.content(TARGET))["old/copy"].tags, { V1: first });
  });

  it("sets no tag if the backup fails", async () => {
    const { world, first } = await moved();
    world.intercept = ({ method, path }) =>
      method === "PUT" && path.endsWith("/bkup-v1") ? new Response(null, { status: 403 }) : undefined;
    const { failed } = await sync(world, entry);
    assertEquals([failed, (await world.content(TARGET)).copy.tags], [1, { v1: first }]);
  });

  it("are no extra content", async () => {
    const { world, first, second } = await moved();
    await sync(world, entry);
    await world.push(`${TARGET}/copy:other`, image(3));
    const { deleted } = await sync(world, entry, { extra: "delete" });
    assertEquals([deleted, (await world.content(TARGET)).copy.tags], [1, { "bkup-v1": first, v1: second }]);
  });
});

describe("syncImages, rate limits", () => {
  const entry = repository(`    ratelimit: { min: 50, retry: 10m }`);

  /** A source that has some requests left: fewer with each one, and more after a wait. */
  async function limited(left: number) {
    const world = await versions({ source: new FakeRegistry() });
    const waits: number[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await world.fetch(input, init);
      const { host, pathname } = new URL(input instanceof Request ? input.url : input);
      if (host !== SOURCE || !pathname.includes("/manifests/")) return response;
      const headers = new Headers(response.headers);
      headers.set("ratelimit-remaining", `${left--};w=21600`);
      return new Response(response.body, { status: response.status, headers });
    };
    const wait = (ms: number) => {
      waits.push(ms);
      left += 40;
      return Promise.resolve();
    };
    return { world, waits, options: { fetch, retry: { wait }, jobs: 1 } };
  }

  it("waits while the source has fewer requests left than the floor", async () => {
    const { world, waits, options } = await limited(20);
    const { failed, events } = await sync(world, entry, options);
    assertEquals([failed, waits], [0, [600_000, 600_000]]);
    assertEquals(events.filter(({ kind }) => kind === "waiting").length, 2);
    assertEquals((await tagsOf(world, "copy")).length, 6);
  });

  it("does not wait above the floor, nor without a floor", async () => {
    for (const [left, text] of [[1000, entry], [5, repository()]] as const) {
      const { world, waits, options } = await limited(left);
      await sync(world, text, options);
      assertEquals(waits, []);
    }
  });
});

describe("syncImages, as copyRecursively does", () => {
  const two = `
sync:
  - { source: ${SOURCE}/app, target: ${TARGET}/one, type: repository }
  - { source: ${SOURCE}/other, target: ${TARGET}/two, type: repository }
`;

  async function world() {
    const world = await versions();
    await world.push(`${SOURCE}/other:v1`, image(9));
    return world;
  }

  it("continues from its journal, entry by entry", () =>
    inFolder(async (folder) => {
      const journal = `${folder}/journal`;
      const copied = await world();
      copied.intercept = ({ host, path }) =>
        host === SOURCE && path.startsWith("/v2/other/") ? new Response(null, { status: 404 }) : undefined;
      assertEquals((await sync(copied, two, { journal })).failed, 1);
      copied.intercept = () => undefined;
      copied.requests.length = 0;
      const { resumed, tags } = await sync(copied, two, { journal });
      assertEquals([resumed, tags], [1, 1]);
      assertEquals(copied.requests.filter((request) => request.includes(`${SOURCE}/v2/app/manifests`)), []);
      assertEquals((await sync(copied, two, { journal })).resumed, 0);
    }));

  it("copies nothing in a dry run, and tells what it would copy", async () => {
    const copied = await world();
    const { events, tags } = await sync(copied, two, { dryRun: true });
    assertEquals([tags, events.filter(({ kind }) => kind === "manifest").length], [7, 7]);
    assertEquals(copied.writes.filter((request) => request.includes(TARGET)), []);
  });

  it("divides the repositories into shards", async () => {
    const counts = await Promise.all([0, 1, 2].map(async (index) => {
      const copied = await world();
      return (await sync(copied, two, { shard: { index, count: 3 } })).tags;
    }));
    assertEquals(counts.toSorted(), [0, 1, 6]);
  });

  it("deletes extra tags that the choice includes", async () => {
    const copied = await world();
    await copied.push(`${TARGET}/copy:v0.1.0`, image(20));
    await copied.push(`${TARGET}/copy:mine`, image(21));
    const text = repository(`    tags: { semverRange: ["<2"] }`);
    const { extra } = await sync(copied, text, { extra: "find" });
    assertEquals(extra.map(({ tag }) => tag), ["v0.1.0"]);
    await sync(copied, text, { extra: "delete" });
    assertEquals((await tagsOf(copied, "copy")).filter((tag) => !tag.startsWith("v1")), ["mine"]);
  });

  it("refuses extra content of a target of two entries", async () => {
    const twice = `
sync:
  - { source: ${SOURCE}/app, target: ${TARGET}/one, type: repository }
  - { source: ${SOURCE}/other:v1, target: ${TARGET}/one:v1, type: image }
`;
    const { message } = await assertRejects(async () => sync(await world(), twice, { extra: "delete" }), UsageError);
    assertMatch(message, /^sync\[0\] and sync\[1\] both copy to dst.example.com\/one, /);
  });

  it("refuses a copy of a repository to itself before it copies anything", async () => {
    const copied = await world();
    const text = `${two}  - { source: ${SOURCE}/app, target: ${SOURCE}/app, type: repository }\n`;
    const { message } = await assertRejects(() => sync(copied, text), UsageError);
    assertMatch(message, /^sync\[2\]: .* would be copied to itself$/);
    assertEquals(copied.writes.filter((request) => request.includes(TARGET)), []);
  });
});
