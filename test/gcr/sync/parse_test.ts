import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { parseSyncFile, type ParseSyncFileOptions } from "../../../gcr/mod.ts";
import { UsageError } from "../../../src/errors.ts";
import { read } from "../../project/tree.ts";

const world = {
  environment: (name: string) => ({ HUB_USER: "ann", ZONE: "EU" })[name],
  readFile: (path: string) => Promise.resolve(path === "/run/token" ? "s3cret\n" : ""),
};

async function parse(text: string, options: ParseSyncFileOptions = {}) {
  return await parseSyncFile(text, "sync.yml", { ...world, ...options });
}

async function messageOf(text: string, options: ParseSyncFileOptions = {}): Promise<string> {
  const { message } = await assertRejects(() => parse(text, options), UsageError);
  return message;
}

const image = `
  - source: a.example.com/app:v1
    target: b.example.com/app:v1
    type: image
`;

describe("parseSyncFile, for regsync", () => {
  it("reads creds, defaults and entries, with defaults that an entry replaces", async () => {
    const file = await parse(`
version: 1
x-base: &base
  type: repository
  target: b.example.com/mirror/{{ index (split .Sync.Source "a.example.com/") 1 }}
creds:
  - registry: b.example.com:5000
    tls: disabled
  - registry: docker.io
    user: "{{env \\"HUB_USER\\"}}"
    pass: "{{file \\"/run/token\\"}}"
    reqPerSec: 5.5
defaults:
  ratelimit: { min: 100, retry: 15m }
  parallel: 2
  interval: 60m
  backup: "bkup-{{.Ref.Tag}}"
  skipDockerConfig: true
sync:
  - <<: *base
    source: a.example.com/team/app
    tags:
      allow: [3, 3.10, latest]
      deny: ["3\\\\.1.*"]
      semverRange: [">=1.0 <2"]
    platforms: [linux/amd64, linux/arm64]
    referrers: true
    referrerFilters:
      - artifactType: application/example
        annotations: { key: value }
  - source: a.example.com/app
    target: b.example.com/app:stable
    type: image
    schedule: "15 3 * * *"
    ratelimit: { retry: 1m }
  - source: a.example.com
    target: b.example.com/all
    type: registry
    repos: { allow: ["team/.*"] }
`);
    assertEquals([file.parallel, file.rate, file.ownCredentials], [2, 5.5, true]);
    assertEquals(file.registries, [
      { name: "b.example.com:5000", insecure: true },
      { name: "index.docker.io", insecure: false, user: "ann", password: "s3cret" },
    ]);
    const [repository, one, registry] = file.entries;
    assertEquals([`${repository.source}`, `${repository.target}`], [
      "a.example.com/team/app",
      "b.example.com/mirror/team/app",
    ]);
    // 3.10 is a tag and no number.
    assertEquals(repository.tags, [
      { allow: ["3", "3.10", "latest"], deny: ["3\\.1.*"], semverRange: [">=1.0 <2"] },
    ]);
    assertEquals(repository.platforms, ["linux/amd64", "linux/arm64"]);
    assertEquals(repository.referrerFilters, [{ artifactType: "application/example", annotations: { key: "value" } }]);
    assertEquals(repository.rateFloor, { min: 100, retryMs: 900_000 });
    assertEquals(repository.schedule?.text, "60m");
    assertEquals(one.images, [{ from: "latest", to: "stable" }]);
    // Five minutes are the least.
    assertEquals([one.schedule?.text, one.rateFloor?.retryMs], ["15 3 * * *", 300_000]);
    assertEquals([registry.source.kind, `${registry.target}`, registry.repositories], [
      "registry",
      "b.example.com/all",
      { allow: ["team/.*"] },
    ]);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["an unknown key at the top", `sync:${image}tests: 1`, /^sync.yml: there is no key tests$/],
    ["an unknown key of an entry", `sync:${image}    tag: v1`, /^sync.yml: there is no key sync\[0\]\.tag$/],
    ["an unknown key below", `sync:${image}    tags: { allowed: [a] }`, /no key sync\[0\]\.tags\.allowed$/],
    [
      "an unknown key of creds",
      `creds: [{ registry: a.example.com, pas: x }]\nsync:${image}`,
      /no key creds\[0\]\.pas$/,
    ],
    ["an unknown default", `defaults: { schedul: x }\nsync:${image}`, /no key defaults\.schedul$/],
    [
      "a setting that is not run",
      `sync:${image}    hooks: { pre: { type: exec } }`,
      /^sync.yml: sync\[0\]\.hooks is a setting/,
    ],
    [
      "mirrors of a host",
      `creds: [{ registry: a.example.com, mirrors: [b] }]\nsync:${image}`,
      /creds\[0\]\.mirrors is/,
    ],
    ["another type", `sync:${image.replace("type: image", "type: images")}`, /sync\[0\]\.type is "images"$/],
    ["no type", `sync:${image.replace("type: image", "")}`, /sync\[0\]\.type is missing$/],
    [
      "a range that is none",
      `sync:${image}    tags: { semverRange: [new] }`,
      /sync\[0\]\.tags: "new" is not a range of versions$/,
    ],
    [
      "an expression that is none",
      `sync:${image}    tags: { allow: ["("] }`,
      /sync\[0\]\.tags: "\(" is not a regular expression$/,
    ],
    ["a schedule that is none", `sync:${image}    schedule: often`, /sync\[0\]\.schedule: "often" is not a schedule/],
    ["seconds in a schedule", `sync:${image}    schedule: "0 0 0 * * *"`, /is not a schedule/],
    ["an interval that is none", `sync:${image}    interval: often`, /sync\[0\]\.interval: "often" is not a duration$/],
    [
      "a template's function",
      `sync:${image}    backup: "{{ time.Now }}"`,
      /sync\[0\]\.backup: the template \{\{ time.Now \}\} uses time, which gcrane does not run$/,
    ],
    ["a condition", `sync:${image}    backup: "{{ if .Ref.Tag }}a{{ end }}"`, /uses if, which gcrane does not run$/],
    [
      "a variable that is not set",
      `creds: [{ registry: a.example.com, user: '{{env "NONE"}}' }]\nsync:${image}`,
      /creds\[0\]\.user: the template .* needs the variable NONE, which is not set$/,
    ],
    ["a layout", `sync:${image.replace("b.example.com/app:v1", "ocidir:///tmp/x")}`, /sync\[0\]\.target is ocidir:/],
    [
      "a digest as the target",
      `sync:${image.replace("b.example.com/app:v1", `b.example.com/app@sha256:${"0".repeat(64)}`)}`,
      /sync\[0\]\.target is a digest/,
    ],
    ["a platform that is none", `sync:${image}    platform: "linux/amd64/v2/x"`, /sync\[0\]\.platform: /],
    [
      "a number that is none",
      `defaults: { parallel: many }\nsync:${image}`,
      /defaults\.parallel is not a number: "many"$/,
    ],
    ["a boolean that is none", `sync:${image}    referrers: yep`, /sync\[0\]\.referrers is neither true nor false$/],
    ["a text in place of a list", `sync:${image}    platforms: all`, /sync\[0\]\.platforms is not a list$/],
    ["a later version", `version: 2\nsync:${image}`, /version 2 is not known$/],
    ["no entry", "version: 1\nsync: []", /sync has no entry$/],
    ["no YAML", "sync: [", /^sync.yml: it is not YAML: /],
    ["two documents", `sync:${image}---\nsync:${image}`, /it has 2 YAML documents, not one$/],
  ];
  for (const [what, text, message] of wrong) {
    it(`names the place of ${what}`, async () => assertMatch(await messageOf(text), message));
  }

  it("has no place for a destination", async () =>
    assertMatch(await messageOf(`sync:${image}`, { destination: "c.example.com" }), /file of regsync/));
});

describe("parseSyncFile, for skopeo", () => {
  const text = `
registry.example.com:
  images:
    busybox: []
    team/redis: ["1.0", "sha256:${"0".repeat(64)}"]
  images-by-tag-regex:
    nginx: ^1\\.13\\.[12]-alpine-perl$
  images-by-semver:
    alpine: ">= 3.12.0"
  credentials: { username: john, password: this is a secret }
  tls-verify: false
  cert-dir: /home/john/certs
`;

  it("reads registries and images", async () => {
    const file = await parse(text, { destination: "mirror.example.com/repo/" });
    assertEquals(file.registries, [{
      name: "registry.example.com",
      insecure: true,
      user: "john",
      password: "this is a secret",
      certificates: "/home/john/certs",
    }]);
    assertEquals(file.entries.map(({ path, target, images, tags }) => [path, `${target}`, images, tags]), [
      ["registry.example.com.images.busybox", "mirror.example.com/repo/busybox", undefined, []],
      ["registry.example.com.images.team/redis", "mirror.example.com/repo/redis", [
        { from: "1.0", to: "1.0" },
        { from: `sha256:${"0".repeat(64)}` },
      ], []],
      ["registry.example.com.images-by-tag-regex.nginx", "mirror.example.com/repo/nginx", undefined, [
        { matches: "^1\\.13\\.[12]-alpine-perl$" },
      ]],
      ["registry.example.com.images-by-semver.alpine", "mirror.example.com/repo/alpine", undefined, [
        { semver: ">= 3.12.0" },
      ]],
    ]);
  });

  it("keeps the whole names on request", async () => {
    const { entries } = await parse(text, { destination: "mirror.example.com", scoped: true });
    assertEquals(`${entries[1].target}`, "mirror.example.com/registry.example.com/team/redis");
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["an unknown key", "a.example.com:\n  image: {}\n", /^sync.yml: there is no key a.example.com.image$/],
    ["an unknown credential", "a.example.com:\n  credentials: { user: x }\n", /no key a.example.com.credentials.user$/],
    [
      "a range that is none",
      "a.example.com:\n  images-by-semver: { app: new }\n",
      /images-by-semver.app: "new" is not a range/,
    ],
    ["no image", "a.example.com:\n  tls-verify: true\n", /it names no images$/],
    ["a list", "- a\n", /it is not a map$/],
  ];
  for (const [what, text, message] of wrong) {
    it(`names the place of ${what}`, async () =>
      assertMatch(await messageOf(text, { destination: "m.example.com" }), message));
  }

  it("needs a destination", async () => assertMatch(await messageOf(text), /does not name where the copies go$/));
});

describe("docs/sync.md", () => {
  const blocks = [...read("docs/sync.md").matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);

  it("has files that are understood", async () => {
    const environment = () => "ann";
    const readFile = () => Promise.resolve("s3cret");
    assertEquals((await parse(blocks[0], { environment, readFile })).entries.length, 3);
    assertEquals((await parse(blocks[1], { destination: "m.example.com" })).entries.length, 4);
    assertEquals(blocks.length, 2);
  });

  it("names every key that regsync's files have", () => {
    const source = read("gcr/sync/regsync_file.ts");
    const keys = [
      ...source.matchAll(/(?:text|boolean|count|number|duration|texts|list|map|required|read|refuse|ignore)\("(\w+)"/g),
    ];
    const known = new Set([...read("docs/sync.md").matchAll(/`(\w+)`|(\w+):/g)].map(([, code, key]) => code ?? key));
    assertEquals(keys.length > 20, true);
    assertEquals(keys.map(([, key]) => key).filter((key) => !known.has(key)), []);
  });
});
