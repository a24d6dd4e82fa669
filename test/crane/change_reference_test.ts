import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import {
  appendToIndex,
  type CraneOptions,
  digest,
  editConfig,
  filterIndex,
  flatten,
  indexMembers,
  list,
  mutate,
  push,
} from "../../src/crane/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { emptyIndex, type Image, randomImage } from "../../src/image/mod.ts";
import { appendManifests, changeImage } from "../../src/mutate/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { parsePlatform, platformString } from "../../src/spec/mod.ts";

const [app, other] = ["registry.example.com/app", "registry.example.com/other"];

/** Options to speak to a registry of one's own. */
function registry(): CraneOptions {
  return { fetch: createRegistry().fetch as typeof fetch };
}

function imageFor(platform: string): Image {
  return changeImage(randomImage({ layers: 1 }), { platform: parsePlatform(platform) });
}

async function tagsOf(repository: string, options: CraneOptions): Promise<string[]> {
  return await Array.fromAsync(list(repository, options));
}

describe("what verbs make of an image", () => {
  it("goes to the original's repository without a tag, or to another one, or gets a tag", async () => {
    const options = registry();
    await push(randomImage(), `${app}:v1`, options);
    const before = await digest(`${app}:v1`, options);
    const changes = { labels: { team: "web" } };
    const here = await mutate(`${app}:v1`, changes, options);
    const there = await mutate(`${app}:v1`, changes, { ...options, repository: other });
    const tagged = await mutate(`${app}:v1`, changes, { ...options, tag: `${app}:v2` });
    assertEquals([here, there], [tagged, tagged.replace(app, other) as typeof here]);
    assertEquals(await tagsOf(app, options), ["v1", "v2"]);
    assertEquals(await digest(`${app}:v1`, options), before);
    assertEquals(await digest(there, options), await digest(`${app}:v2`, options));
  });

  it("is the same when nothing changes", async () => {
    const options = registry();
    const pushed = await push(randomImage(), `${app}:v1`, options);
    assertEquals(await mutate(`${app}:v1`, {}, options), pushed);
    assertEquals(await editConfig(`${app}:v1`, (bytes) => bytes, options), pushed);
  });

  it("is of one image where a platform is asked for", async () => {
    const options = registry();
    const images = ["linux/amd64", "linux/arm64"].map(imageFor);
    await push(appendManifests(emptyIndex(), images), `${app}:v1`, options);
    const arm64 = { ...options, platform: parsePlatform("linux/arm64") };
    const same = await mutate(`${app}:v1`, {}, arm64);
    assertEquals(same, `${app}@${await images[1].digest()}`);
    assertEquals(await digest(await flatten(`${app}:v1`, arm64), options) === await images[1].digest(), false);
    await assertRejects(() => editConfig(`${app}:v1`, (bytes) => bytes, options), UsageError, "is an index");
    assert((await editConfig(`${app}:v1`, (bytes) => bytes, arm64)) === same);
  });

  it("can be an index of several, and part of one", async () => {
    const options = registry();
    await push(imageFor("linux/amd64"), `${app}:amd64`, options);
    await push(imageFor("linux/arm64"), `${other}:arm64`, options);
    const members = [`${app}:amd64`, `${other}:arm64`];
    const all = await appendToIndex(undefined, members, { ...options, tag: `${app}:all` });
    const part = await filterIndex(all, [parsePlatform("linux/arm64")], options);
    const platforms = (await indexMembers(part, options)).map(({ platform }) => platformString(platform!));
    assertEquals(platforms, ["linux/arm64"]);
    const again = await appendToIndex(`${app}:all`, members, options);
    assertEquals(again, all);
    await assertRejects(() => appendToIndex(undefined, members, options), UsageError, "a new index has no name yet");
  });
});
