import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import type { CopyEvent } from "../../gcr/mod.ts";
import { HttpError, UsageError } from "../../src/errors.ts";
import { anonymous, type Keychain } from "../../src/authn/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { FakeRegistry, utf8 } from "../fakes/mod.ts";
import {
  amd64,
  arm64,
  CopyWorld,
  cosignTag,
  fill,
  image,
  index,
  referrer,
  s390x,
  SOURCE,
  TARGET,
} from "../make/copy_world.ts";

async function filled(registries: { source?: FakeRegistry; target?: FakeRegistry } = {}): Promise<CopyWorld> {
  const world = new CopyWorld(registries);
  await fill((reference, view) => world.push(reference, view));
  world.requests.length = 0;
  return world;
}

/** How often each was asked for. */
function counts(requests: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const request of requests) found.set(request, (found.get(request) ?? 0) + 1);
  return found;
}

const kinds: readonly (readonly [string, { source?: boolean; target?: boolean }])[] = [
  ["Google's extension on both sides", {}],
  ["plain to Google's", { source: true }],
  ["Google's to plain", { target: true }],
  ["plain to plain", { source: true, target: true }],
];

function fakes(plain: { source?: boolean; target?: boolean }): { source?: FakeRegistry; target?: FakeRegistry } {
  return {
    ...(plain.source && { source: new FakeRegistry() }),
    ...(plain.target && { target: new FakeRegistry() }),
  };
}

describe("copyRecursively", () => {
  for (const [name, plain] of kinds) {
    it(`copies a whole registry, and nothing the second time: ${name}`, async () => {
      const world = await filled(fakes(plain));
      const result = await world.copy(SOURCE, TARGET);
      assertEquals([result.failed, result.repositories, result.tags], [0, 3, 8]);
      const [source, target] = [await world.content(SOURCE), await world.content(TARGET)];
      assertEquals(Object.keys(target), ["other", "team/app", "team/web/multi"]);
      for (const [repository, { tags, digests }] of Object.entries(source)) {
        assertEquals(target[repository].tags, tags);
        // A plain list names no manifests but those with a tag; one of Google's names the members of indexes too.
        if (plain.source === plain.target) assertEquals(target[repository].digests, digests);
      }
      await world.validate(TARGET);

      world.requests.length = 0;
      const second = await world.copy(SOURCE, TARGET);
      assertEquals([second.manifests, second.tags, second.failed, world.writes], [0, 0, 0, []]);
      assertEquals(second.there > 0, true);
      const allowed = /^(GET \S+\/v2\/($|_catalog|.*\/tags\/list)|HEAD \S+\/manifests\/)/;
      assertEquals(world.requests.filter((request) => !allowed.test(request)), []);
    });

    it(`fetches a manifest and sends a blob at most once per repository: ${name}`, async () => {
      const world = await filled(fakes(plain));
      await world.copy(SOURCE, TARGET, { jobs: 3 });
      const often = [...counts(world.requests)].filter(([request, count]) =>
        count > 1 && (/^GET src\S+\/manifests\//.test(request) || /^HEAD dst\S+\/blobs\//.test(request))
      );
      assertEquals(often, []);
      assertEquals(world.requests.some((request) => /^GET src\S+\/manifests\/(?!sha256:)/.test(request)), false);
    });
  }

  it("keeps paths below the target, and whole paths below a registry", async () => {
    for (
      const [source, target, expected] of [
        [`${SOURCE}/team`, `${TARGET}/mirror/all`, ["mirror/all/app", "mirror/all/web/multi"]],
        [`${SOURCE}/team/`, TARGET, ["team/app", "team/web/multi"]],
        [`${SOURCE}/team/app`, `${TARGET}/x`, ["x"]],
        [SOURCE, `${TARGET}/mirror`, ["mirror/other", "mirror/team/app", "mirror/team/web/multi"]],
      ] as const
    ) {
      const world = await filled();
      await world.copy(source, target);
      assertEquals(Object.keys(await world.content(TARGET)), [...expected]);
    }
  });

  it("within a registry mounts, and does not copy its own copies", async () => {
    const world = await filled();
    for (const _ of [1, 2]) {
      const { failed } = await world.copy(SOURCE, `${SOURCE}/mirror`);
      assertEquals(failed, 0);
    }
    const names = ["other", "team/app", "team/web/multi"];
    assertEquals(Object.keys(await world.content(SOURCE)), [...names.map((name) => `mirror/${name}`), ...names].sort());
    assertEquals(world.requests.filter((request) => /^(GET \S+\/blobs|PATCH|PUT \S+\/blobs)/.test(request)), []);
    await assertRejects(() => world.copy(SOURCE, SOURCE), UsageError, "to itself");
    await assertRejects(() => world.copy(`${SOURCE}/team`, SOURCE), UsageError, "to itself");
  });

  it("mounts a layer that another repository of the destination has", async () => {
    const world = await filled();
    await world.copy(SOURCE, TARGET, { jobs: 1 });
    const [layer] = await image(1).layers();
    const digest = await layer.digest();
    // It is in three repositories, and comes over the wire once.
    assertEquals(
      world.requests.filter((request) => request.startsWith("GET src") && request.includes(digest)).length,
      1,
    );
    assertEquals(world.requests.filter((request) => request.includes(`mount=${encodeURIComponent(digest)}`)).length, 2);
  });

  it("copies the tags of a filter alone, with what their indexes need", async () => {
    const world = await filled();
    const { tags } = await world.copy(SOURCE, TARGET, { tagFilter: ["v1", "/^nes/"] });
    assertEquals(tags, 3);
    const { "team/app": app, "team/web/multi": multi } = await world.content(TARGET);
    assertEquals([Object.keys(app.tags), app.digests.length], [["v1"], 1]);
    assertEquals(Object.keys(multi.tags), ["nested", "v1"]);
    await world.validate(TARGET);
  });

  it("leaves out repositories, and manifests without a tag", async () => {
    const world = await filled();
    await world.copy(SOURCE, TARGET, { exclude: ["team/web", "o*"], untagged: false });
    const content = await world.content(TARGET);
    assertEquals(Object.keys(content), ["team/app"]);
    assertEquals(content["team/app"].digests.includes(await image(3).digest()), false);
    assertEquals(world.requests.some((request) => request.includes("src.example.com/v2/other/")), false);
  });

  it("leaves tags alone that are there, with noClobber", async () => {
    const world = await filled();
    const old = await world.push(`${TARGET}/team/app:v1`, image(50));
    await world.copy(`${SOURCE}/team/app`, `${TARGET}/team/app`, { noClobber: true, untagged: false });
    const { "team/app": { tags } } = await world.content(TARGET);
    assertEquals([tags.v1, tags.latest], [old, await image(1).digest()]);
  });

  it("moves a tag that has moved, and copies only that", async () => {
    const world = await filled();
    await world.copy(SOURCE, TARGET);
    await world.push(`${SOURCE}/team/app:v1`, image(2));
    world.requests.length = 0;
    const result = await world.copy(SOURCE, TARGET);
    assertEquals([result.manifests, result.tags, world.writes], [0, 1, [`PUT ${TARGET}/v2/team/app/manifests/v1`]]);
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
  });

  it("splits the work into shards that are the whole together", async () => {
    const world = await filled();
    for (let i = 0; i < 12; i++) await world.push(`${SOURCE}/many/r${i}:v1`, image(100 + i));
    const done: number[] = [];
    for (const index of [0, 1, 2]) {
      const { repositories } = await world.copy(SOURCE, TARGET, { shard: { index, count: 3 } });
      done.push(repositories);
    }
    assertEquals([done.reduce((a, b) => a + b), done.every((count) => count > 0)], [15, true]);
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
  });

  it("in a dry run tells what is missing and writes nothing", async () => {
    const world = await filled();
    const events: CopyEvent[] = [];
    const result = await world.copy(SOURCE, TARGET, { dryRun: true, onEvent: (event) => events.push(event) });
    assertEquals([world.writes, await world.content(TARGET)], [[], {}]);
    const planned = events.flatMap((event) => event.kind === "manifest" ? [event.digest] : []);
    const all = Object.values(await world.content(SOURCE)).flatMap(({ digests }) => digests);
    assertEquals([planned.toSorted(), result.manifests], [all.toSorted(), all.length]);
  });

  it("tells of every manifest and repository", async () => {
    const world = await filled();
    const events: CopyEvent[] = [];
    const { manifests, bytes } = await world.copy(`${SOURCE}/other`, `${TARGET}/other`, {
      onEvent: (event) => events.push(event),
    });
    const names = { source: `${SOURCE}/other`, target: `${TARGET}/other` };
    assertEquals(events, [
      { kind: "manifest", ...names, digest: await image(1).digest(), tags: ["latest"], there: false },
      { kind: "repository", ...names, copied: true },
    ]);
    const sizes = await Promise.all([...await image(1).layers(), await image(1).configLayer()].map((it) => it.size()));
    assertEquals([manifests, bytes], [1, sizes.reduce((a, b) => a + b)]);
  });

  it("signs in to source and target each in its own way", async () => {
    const world = await filled();
    const asked: [end: string, registry: string][] = [];
    const keychain = (end: string): Keychain => ({
      resolve({ registry }) {
        asked.push([end, registry]);
        return Promise.resolve(anonymous);
      },
    });
    const options = { keychain: keychain("target"), sourceKeychain: keychain("source"), withReferrers: true };
    await world.copy(SOURCE, TARGET, { ...options, tagFilter: ["v1"], extra: "find" });
    assertEquals(
      new Set(asked.map(([end, registry]) => `${end} ${registry}`)),
      new Set([
        `source ${SOURCE}`,
        `target ${TARGET}`,
      ]),
    );
  });

  it("copies Docker's schema 1 with its layers, and an index that holds layers", async () => {
    const source = new FakeRegistry();
    const world = new CopyWorld({ source, target: new FakeRegistry() });
    const [one, two] = ["one", "two"].map((text) => source.addBlob("app", utf8(text)));
    const old = { schemaVersion: 1, fsLayers: [{ blobSum: one }, { blobSum: two }, { blobSum: one }] };
    const mediaType = MediaType.OciImageIndex;
    const cache = {
      schemaVersion: 2,
      mediaType,
      manifests: [{ mediaType: MediaType.OciLayerGzip, digest: one, size: 3 }],
    };
    for (
      const [tag, value, mediaType] of [
        ["old", old, MediaType.DockerManifestSchema1],
        ["cache", cache, MediaType.OciImageIndex],
      ] as const
    ) {
      source.addManifest("app", { bytes: utf8(JSON.stringify(value)), mediaType }, tag);
    }
    const { failures } = await world.copy(SOURCE, TARGET);
    assertEquals(failures, []);
    assertEquals((await world.content(TARGET)).app.tags, (await world.content(SOURCE)).app.tags);
    for (const digest of [one, two]) {
      const { status } = await world.fetch(`https://${TARGET}/v2/app/blobs/${digest}`);
      assertEquals(status, 200);
    }
  });

  it("keeps to a rate of requests, and of bytes", async () => {
    const world = await filled();
    // So slow that it would take days: the second request does not come before the end.
    const stop = new AbortController();
    world.intercept = () => {
      queueMicrotask(() => setTimeout(() => stop.abort(new Error("enough")), 20));
      return undefined;
    };
    await assertRejects(() => world.copy(SOURCE, TARGET, { rate: 0.0001, signal: stop.signal }), Error, "enough");
    assertEquals(world.requests.length, 1);
    world.intercept = () => undefined;
    assertEquals((await world.copy(SOURCE, TARGET, { rate: 1e9, bytesPerSecond: 1e9 })).failed, 0);
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
  });

  it("fails as a whole where there is nothing to copy from, and where the target refuses everything", async () => {
    const world = await filled();
    const missing = await assertRejects(() => world.copy(`${SOURCE}/nothing`, TARGET), HttpError);
    assertEquals([missing.status, world.writes], [404, []]);
  });
});

describe("copyRecursively for platforms", () => {
  it("takes the image of one platform in the place of an index, the same the second time", async () => {
    const world = new CopyWorld();
    const multi = index(1, [amd64, arm64]);
    const [, arm] = await multi.children();
    await world.push(`${SOURCE}/app:multi`, multi);
    await world.push(`${SOURCE}/app:single`, image(2));
    await world.push(`${SOURCE}/app:arm`, arm.view as ReturnType<typeof image>);
    await world.push(`${SOURCE}/app:s390x`, index(3, [s390x]));
    const options = { platforms: [arm64] };
    const result = await world.copy(SOURCE, TARGET, options);
    assertEquals([result.failed, result.unsuited], [0, 1]);
    const { app } = await world.content(TARGET);
    assertEquals(app.tags, {
      arm: arm.descriptor.digest,
      multi: arm.descriptor.digest,
      single: await image(2).digest(),
    });
    assertEquals(app.digests.length, 2);
    world.requests.length = 0;
    assertEquals((await world.copy(SOURCE, TARGET, options)).tags, 0);
    assertEquals(world.writes, []);
  });

  it("makes a smaller index for several, and keeps one that has no others", async () => {
    const world = new CopyWorld();
    await world.push(`${SOURCE}/app:three`, index(1, [amd64, arm64, s390x]));
    const two = await world.push(`${SOURCE}/app:two`, index(2, [amd64, arm64]));
    const options = { platforms: [amd64, arm64] };
    for (const expected of [2, 0]) assertEquals((await world.copy(SOURCE, TARGET, options)).tags, expected);
    const { app } = await world.content(TARGET);
    assertEquals(app.tags.two, two);
    // Both indexes and two images each.
    assertEquals(app.digests.length, 6);
    await world.validate(TARGET);
  });
});

describe("copyRecursively with referrers", () => {
  /** An image that is signed in all ways, and another that is too. */
  async function signed(world: CopyWorld): Promise<{ wanted: string[]; tag: string }> {
    const [app, other] = [index(1), image(2)];
    const [member] = await app.children();
    await world.push(`${SOURCE}/app:v1`, app);
    await world.push(`${SOURCE}/app:x1`, other);
    const signature = await referrer(3, app);
    const ofSignature = await referrer(4, signature);
    const ofMember = await referrer(5, member.view as ReturnType<typeof image>);
    for (const each of [signature, ofSignature, ofMember, await referrer(6, other)]) {
      await world.push(`${SOURCE}/app`, each);
    }
    const tag = cosignTag(await app.digest());
    const byTag = await world.push(`${SOURCE}/app:${tag}`, image(7));
    await world.push(`${SOURCE}/app:${cosignTag(await other.digest())}`, image(8));
    const digests = await Promise.all([signature, ofSignature, ofMember].map((each) => each.digest()));
    return { wanted: [...digests, byTag], tag };
  }

  for (const [name, plain] of kinds.slice(0, 2)) {
    it(`copies signatures of what a filter chose, theirs, and those of members; ${name}`, async () => {
      const world = new CopyWorld(fakes(plain));
      const { wanted, tag } = await signed(world);
      const options = { tagFilter: ["v1"], withReferrers: true };
      assertEquals((await world.copy(SOURCE, TARGET, options)).failed, 0);
      const { app } = await world.content(TARGET);
      assertEquals(Object.keys(app.tags).toSorted(), [tag, "v1"].toSorted());
      // The index, its two images, and what refers to them.
      assertEquals(app.digests.length, 3 + wanted.length);
      assertEquals(wanted.every((digest) => app.digests.includes(digest as `sha256:${string}`)), true);
      await world.validate(TARGET);
      world.requests.length = 0;
      assertEquals((await world.copy(SOURCE, TARGET, options)).manifests, 0);
      assertEquals(world.writes, []);
    });
  }

  it("finds later ones of what is there, and without the option copies none", async () => {
    const world = new CopyWorld({ source: new FakeRegistry() });
    const app = index(1);
    await world.push(`${SOURCE}/app:v1`, app);
    await world.copy(SOURCE, TARGET);
    const signature = await world.push(`${SOURCE}/app`, await referrer(2, app));
    assertEquals((await world.copy(SOURCE, TARGET)).manifests, 0);
    assertEquals((await world.copy(SOURCE, TARGET, { withReferrers: true })).manifests, 1);
    assertEquals((await world.content(TARGET)).app.digests.includes(signature), true);
  });

  it("lists them under a tag where the destination keeps no list itself, and copies such a tag as it is", async () => {
    const target = new FakeRegistry({ referrers: false });
    const world = new CopyWorld({ target });
    const app = image(1);
    const digest = await world.push(`${SOURCE}/app:v1`, app);
    const signature = await world.push(`${SOURCE}/app`, await referrer(2, app));
    await world.copy(SOURCE, TARGET);
    const listed = JSON.parse(new TextDecoder().decode(target.manifestsOf("app").get(cosignTag(digest, ""))!.bytes));
    assertEquals(listed.manifests.map((each: { digest: string }) => each.digest), [signature]);

    // From there on, the tag is one like any other.
    const other = new FakeRegistry({ referrers: false });
    const { failed } = await new CopyWorld({ source: target, target: other }).copy(SOURCE, TARGET);
    const tag = cosignTag(digest, "");
    assertEquals([failed, other.manifestsOf("app").get(tag)], [0, target.manifestsOf("app").get(tag)]);
  });

  it("does not go round in circles when a registry lies", async () => {
    const world = new CopyWorld({ source: new FakeRegistry() });
    const app = index(1);
    const digest = await world.push(`${SOURCE}/app:v1`, app);
    const [member] = await app.children();
    const size = (await app.rawManifest()).length;
    world.intercept = ({ path }) => {
      if (!path.includes("/referrers/")) return undefined;
      const mediaType = "application/vnd.oci.image.index.v1+json";
      const manifests = [{ mediaType, digest, size }, { mediaType, digest: member.descriptor.digest, size }];
      return Response.json({ schemaVersion: 2, mediaType, manifests }, { headers: { "content-type": mediaType } });
    };
    const { failed, manifests } = await world.copy(SOURCE, TARGET, { withReferrers: true });
    assertEquals([failed, manifests], [0, 3]);
  });
});
