import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { parseDuration } from "../../gcr/internal.ts";
import { type GcGraph, type GcManifest, type GcRules, parsePins, parseRules, planGarbage } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import type { Hash } from "../../src/spec/mod.ts";

const HOUR = 3_600_000;
const now = 10_000 * HOUR;

function hash(number: number): Hash {
  return `sha256:${String(number).padStart(64, "0")}`;
}

/** A repository of images, each with its tags, uploaded so many hours ago. */
function repository(...images: readonly (readonly [tags: string, hours?: number])[]): GcGraph {
  const manifests = images.map(([tags, hours], at): [Hash, GcManifest] => [hash(at), {
    digest: hash(at),
    tags: tags.split(" ").filter((tag) => tag !== ""),
    members: [],
    size: 1,
    blobs: [],
    config: hash(1000 + at),
    ...(hours === undefined ? {} : { uploaded: now - hours * HOUR }),
  }]);
  return {
    repository: "team/app",
    name: "registry.example.com/team/app",
    manifests: new Map(manifests),
    referrers: new Map(),
  };
}

/** The tags of what goes: those that go alone, and those that go with their images. */
function gone(graph: GcGraph, rules: GcRules): string[] {
  const plan = planGarbage(graph, { grace: 0, ...rules }, now);
  return [...plan.manifests.flatMap(({ tags }) => tags), ...plan.tags.map(({ tag }) => tag)].sort();
}

describe("rules of garbage collection", () => {
  it("take tags by glob and expression, of some repositories", () => {
    const graph = repository(["v1"], ["pr-1"], ["pr-x dev"]);
    assertEquals(gone(graph, { remove: [{ tag: "pr-*" }] }), ["pr-1", "pr-x"]);
    assertEquals(gone(graph, { remove: [{ tag: "/^pr-\\d+$/" }, { tag: "dev" }] }), ["dev", "pr-1"]);
    assertEquals(gone(graph, { remove: [{ tag: "pr-*", repository: "team" }] }), ["pr-1", "pr-x"]);
    assertEquals(gone(graph, { remove: [{ tag: "pr-*", repository: "other/**" }] }), []);
  });

  it("take what is older, and never what is of unknown age", () => {
    const graph = repository(["a", 9], ["b", 10], ["c", 11], ["d"]);
    assertEquals(gone(graph, { remove: [{ olderThan: 10 * HOUR }] }), ["b", "c"]);
  });

  it("leave the newest of each group, whatever is as new, and what is of unknown age", () => {
    const graph = repository(["a-1", 1], ["a-2", 2], ["a-3", 3], ["b-1", 5], ["b-2", 5], ["b-3", 6], ["b-4"]);
    assertEquals(gone(graph, { remove: [{ tag: "/^(.)-/", keepNewest: 1 }] }), ["a-2", "a-3", "b-3"]);
    assertEquals(gone(graph, { remove: [{ keepNewest: 2 }] }), ["a-3", "b-1", "b-2", "b-3"]);
    assertEquals(gone(repository(["x y", 1], ["z", 2], ["w", 3]), { remove: [{ keepNewest: 2 }] }), ["w"]);
  });

  it("know versions: whole ones, the highest being the newest, of each part", () => {
    const graph = repository(["v1.0.0", 1], ["v1.0.10", 9], ["v1.0.9", 2], ["1.1.0", 3], ["2.0.0-rc.1", 4], ["v1", 5], [
      "x",
      6,
    ]);
    assertEquals(gone(graph, { remove: [{ semver: "*", keepNewest: 1, per: "minor" }] }), ["v1.0.0", "v1.0.9"]);
    assertEquals(gone(graph, { remove: [{ semver: "<1.1" }] }), ["v1.0.0", "v1.0.10", "v1.0.9"]);
    assertEquals(gone(graph, { remove: [{}], keep: [{ semver: ">=1.1" }] }), [
      "v1",
      "v1.0.0",
      "v1.0.10",
      "v1.0.9",
      "x",
    ]);
  });

  it("keep what a rule keeps, whatever others say", () => {
    const graph = repository(["a", 3], ["b", 2], ["c d", 1]);
    assertEquals(gone(graph, { remove: [{}], keep: [{ tag: "a" }] }), ["b", "c", "d"]);
    assertEquals(gone(graph, { remove: [{}], keep: [{ tag: "/[ab]/", newest: 1 }, { tag: "d" }] }), ["a", "c"]);
  });

  it("keep what is in use: by digest, by config, by tag, in its repository", () => {
    const graph = repository(["a", 3], ["b", 2], ["c d", 1]);
    const used = (...lines: string[]) => gone(graph, { remove: [{}], pins: parsePins(lines.join("\n"), "list") });
    assertEquals(used(hash(0), hash(1001)), ["c", "d"]);
    assertEquals(used("registry.example.com/team/app:c"), ["a", "b"]);
    assertEquals(used("registry.example.com/other:c"), ["a", "b", "c", "d"]);
    assertEquals(used(`elsewhere.example.com/mirror:v1@${hash(0)}`), ["b", "c", "d"]);
  });

  it("keep what is young, or of unknown age, tags and all", () => {
    const graph = repository(["pr-1", 23], ["pr-2", 25], ["", 23], ["", 25], ["pr-3"], [""]);
    const plan = planGarbage(graph, { remove: [{ tag: "pr-*" }] }, now);
    assertEquals(plan.manifests.map(({ digest }) => digest), [hash(1), hash(3)]);
    assertEquals([plan.undated, plan.young, plan.youngTags], [2, 2, 0]);
    const tagged = repository(["pr-1 v1", 23], ["pr-2 v2", 25], ["pr-3 v3"]);
    const { undated, young, youngTags } = planGarbage(tagged, { remove: [{ tag: "pr-*" }] }, now);
    assertEquals([undated, young, youngTags], [0, 0, 1]);
  });

  it("take a tag of what is not there only if told so", () => {
    const tag = `sha256-${"e".repeat(64)}.sig`;
    assertEquals(gone(repository([tag, 100]), {}), []);
    assertEquals(gone(repository([tag, 100]), { remove: [{}] }), []);
    assertEquals(gone(repository([tag, 100]), { orphans: true }), [tag]);
    assertEquals(gone(repository([`${tag} v1`, 100]), { orphans: true }), [tag]);
  });

  it("say why something goes", () => {
    const graph = repository(["pr-1"], [""]);
    const reasons = planGarbage(graph, { grace: 0, remove: [{ tag: "v*" }, { tag: "pr-*" }] }, now).manifests;
    assertEquals(reasons.map(({ reason }) => reason), [
      "rule 2 removes the tag pr-1",
      "no tag, and unreachable",
    ]);
  });
});

describe("parseRules", () => {
  it("reads rules", () => {
    const text = '{"grace":"2d","orphans":true,"keep":[{"tag":"v*","newest":3}],"remove":[{"olderThan":"1h30m"}]}';
    const { grace, orphans, keep, remove } = parseRules(text, "rules.json");
    assertEquals([grace, orphans, keep![0].tag, keep![0].newest, remove![0].olderThan], [
      48 * HOUR,
      true,
      "v*",
      3,
      1.5 * HOUR,
    ]);
  });

  it("refuses what it does not know", () => {
    for (
      const text of [
        "",
        "[]",
        "null",
        '{"kep":[]}',
        '{"keep":{}}',
        '{"keep":[1]}',
        '{"keep":[{"keepNewest":1}]}',
        '{"remove":[{"olderThan":5}]}',
        '{"remove":[{"keepNewest":-1}]}',
        '{"remove":[{"per":"major"}]}',
        '{"remove":[{"semver":"nonsense"}]}',
        '{"orphans":1}',
      ]
    ) {
      assertThrows(() => parseRules(text, "rules.json"), UsageError, "rules.json");
    }
  });
});

describe("parsePins and parseDuration", () => {
  it("read lists with remarks and schemes", () => {
    const text = `# pods\r\n\n  docker-pullable://registry.example.com/a@${hash(1)}\n${hash(2)}\nlocalhost:5000/b:v1\n`;
    assertEquals(parsePins(text, "list"), {
      digests: new Set([hash(1), hash(2)]),
      tags: new Set(["localhost:5000/b:v1"]),
    });
    assertThrows(() => parsePins("a\nb c", "list"), UsageError, "list, line 2: ");
  });

  it("read durations", () => {
    assertEquals(["0", "90s", "1d12h", "2w", "1.5h"].map(parseDuration), [
      0,
      90_000,
      36 * HOUR,
      336 * HOUR,
      1.5 * HOUR,
    ]);
    for (const text of ["", "5", "d", "1 d", "-1h", "1h-"]) assertThrows(() => parseDuration(text), UsageError);
  });
});
