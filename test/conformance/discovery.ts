import type { Check } from "./checks.ts";
import {
  type Answer,
  assert,
  digestOf,
  EMPTY,
  encode,
  expect,
  IMAGE,
  INDEX,
  json,
  skipUnless,
  type World,
} from "./world.ts";

const TAGS = ["disc-a", "disc-b", "disc-c", "disc-d"];

async function pushTags(world: World): Promise<void> {
  const image = await world.image("discovery");
  for (const tag of TAGS) await world.putManifest(image, tag);
}

function tagsOf(answer: Answer): string[] {
  const { tags } = json(answer);
  assert(Array.isArray(tags) && tags.every((tag) => typeof tag === "string"), answer, "tags is no list of strings");
  return tags as string[];
}

/** Pushes a subject and what refers to it. */
async function pushReferrers(world: World, seed: string) {
  const { answer: _, ...subject } = await world.putManifest(await world.image(`subject ${seed}`));
  const config = await world.blob(EMPTY, "{}");
  const base = { schemaVersion: 2, config, layers: [config], subject };
  const types = ["application/vnd.example.sbom", "application/vnd.example.signature"];
  const referrers = [];
  for (const artifactType of types) {
    const annotations = { "org.example.kind": artifactType };
    referrers.push(await world.putManifest({ ...base, mediaType: IMAGE, artifactType, annotations }));
  }
  return { subject, types, referrers };
}

function descriptorsOf(answer: Answer): Record<string, unknown>[] {
  const { manifests, mediaType } = json(answer);
  assert(mediaType === INDEX, answer, `the mediaType is ${mediaType}, not an index`);
  assert(Array.isArray(manifests), answer, "manifests is no list");
  return manifests as Record<string, unknown>[];
}

/** Lists of tags and of referrers. */
export const discoveryChecks: readonly Check[] = [
  {
    workflow: "discovery",
    title: "tags are listed",
    run: async (world) => {
      await pushTags(world);
      const tags = tagsOf(expect(await world.send("GET", "tags/list"), 200));
      for (const tag of TAGS) assert(tags.includes(tag), { line: "GET tags/list" }, `${tag} is not in the list`);
    },
  },
  {
    workflow: "discovery",
    title: "n limits the list of tags, and Link leads to the rest",
    run: async (world) => {
      await pushTags(world);
      const all = tagsOf(expect(await world.send("GET", "tags/list"), 200));
      const found: string[] = [];
      let path: string | undefined = "tags/list?n=2";
      for (let pages = 0; path !== undefined && pages <= all.length; pages++) {
        const answer: Answer = expect(await world.send("GET", path), 200);
        const tags = tagsOf(answer);
        assert(tags.length <= 2, answer, `there are ${tags.length} tags where n is 2`);
        found.push(...tags);
        path = /<([^>]+)>/.exec(answer.headers.get("Link") ?? "")?.[1];
      }
      const same = found.toSorted().join() === all.toSorted().join();
      assert(same, { line: "GET tags/list?n=2" }, "the pages together are not the whole list");
    },
  },
  {
    workflow: "discovery",
    title: "last starts the list of tags after one",
    run: async (world) => {
      await pushTags(world);
      const tags = tagsOf(expect(await world.send("GET", "tags/list?n=1&last=disc-b"), 200));
      assert(tags.length === 1 && tags[0] > "disc-b", { line: "GET tags/list?n=1&last=disc-b" }, `it is ${tags}`);
    },
  },
  {
    workflow: "discovery",
    title: "referrers are listed, with their types and annotations",
    run: async (world) => {
      const { subject, types, referrers } = await pushReferrers(world, "listed");
      const answer = await world.send("GET", `referrers/${subject.digest}`);
      skipUnless(answer.status !== 404, "there is no list of referrers: clients keep a tag instead");
      const descriptors = descriptorsOf(expect(answer, 200));
      assert(
        answer.headers.get("Content-Type") === INDEX,
        answer,
        `Content-Type is ${answer.headers.get("Content-Type")}`,
      );
      for (const [index, { digest, size }] of referrers.entries()) {
        const found = descriptors.find((descriptor) => descriptor.digest === digest);
        assert(found !== undefined, answer, `${digest} is not in the list`);
        assert(found.size === size && found.mediaType === IMAGE, answer, "size or mediaType is another");
        assert(found.artifactType === types[index], answer, `artifactType is ${found.artifactType}`);
        const { annotations } = found as { annotations?: Record<string, string> };
        assert(annotations?.["org.example.kind"] === types[index], answer, "the annotations are not there");
      }
    },
  },
  {
    workflow: "discovery",
    title: "a push of what has a subject says OCI-Subject",
    run: async (world) => {
      const { subject, referrers } = await pushReferrers(world, "said");
      const list = await world.send("GET", `referrers/${subject.digest}`);
      skipUnless(list.status !== 404, "there is no list of referrers: clients keep a tag instead");
      for (const { answer } of referrers) {
        assert(
          answer.headers.get("OCI-Subject") === subject.digest,
          answer,
          `OCI-Subject is ${answer.headers.get("OCI-Subject")}`,
        );
      }
    },
  },
  {
    workflow: "discovery",
    title: "referrers are filtered by artifactType, or all are listed",
    run: async (world) => {
      const { subject, types, referrers } = await pushReferrers(world, "filtered");
      const answer = await world.send(
        "GET",
        `referrers/${subject.digest}?artifactType=${encodeURIComponent(types[0])}`,
      );
      skipUnless(answer.status !== 404, "there is no list of referrers: clients keep a tag instead");
      const digests = descriptorsOf(expect(answer, 200)).map(({ digest }) => digest);
      assert(digests.includes(referrers[0].digest), answer, "the one of that type is not in the list");
      const isFiltered = answer.headers.get("OCI-Filters-Applied")?.split(",").map((part) => part.trim()).includes(
        "artifactType",
      );
      if (isFiltered) assert(!digests.includes(referrers[1].digest), answer, "one of another type is in the list");
    },
  },
  {
    workflow: "discovery",
    title: "the referrers of what is not there are none",
    run: async (world) => {
      const answer = await world.send("GET", `referrers/${digestOf(encode("nobody refers to this"))}`);
      skipUnless(answer.status !== 404, "there is no list of referrers: clients keep a tag instead");
      assert(descriptorsOf(expect(answer, 200)).length === 0, answer, "the list is not empty");
    },
  },
];
