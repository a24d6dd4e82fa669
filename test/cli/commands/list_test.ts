import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { emptyIndex, randomImage } from "../../../src/image/mod.ts";
import { appendManifests } from "../../../src/mutate/mod.ts";
import { MediaType } from "../../../src/spec/mod.ts";
import { digestOf, fakeFetch, FakeRegistry, json } from "../../fakes/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const repository = "registry.example.com/team/app";
const [first, second] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })];

/** Two images, three tags, one of them a signature's, and repositories below. */
async function fill(world: World): Promise<string[]> {
  const one = await world.push(first, `${repository}:v2`);
  await world.push(first, `${repository}:v10`);
  const two = await world.push(second, `${repository}:sha256-${"0".repeat(64)}.sig`);
  await world.push(first, `${repository}/web/ui:latest`);
  await world.push(first, `${repository}/api:latest`);
  return [one, two];
}

/** A registry that knows nothing of Google's extension. */
function plain(): typeof fetch {
  const registry = new FakeRegistry();
  const manifest = { bytes: new TextEncoder().encode("{}"), mediaType: "application/json" };
  for (const tag of ["v2", "v10", `sha256-${"0".repeat(64)}`]) registry.addManifest("team/app", manifest, tag);
  return fakeFetch({ "https://registry.example.com": registry.handle }).fetch;
}

const BAD_TAG = "a\x1b[31m\nb";

/** A registry whose lists hold names that no registry may have, beside good ones. */
function withBadNames(google: boolean): typeof fetch {
  const registry = new FakeRegistry();
  const index = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [] };
  const manifest = { bytes: new TextEncoder().encode(JSON.stringify(index)), mediaType: MediaType.OciImageIndex };
  const digest = registry.addManifest("team/app", manifest, "good");
  const info = { tag: ["good", BAD_TAG], mediaType: MediaType.OciImageIndex };
  const extension = { child: ["web", "..", "x\x9b"], manifest: { [digest]: info, [`sha256:\x1b`]: info } };
  registry.on(
    "GET",
    /tags\/list/,
    () => json(200, { name: "team/app", tags: ["good", BAD_TAG, "ü"], ...(google && extension) }),
    9,
  );
  registry.on("GET", /_catalog/, () => json(200, { repositories: ["team/app", "Upper", `x${BAD_TAG}`] }), 9);
  return fakeFetch({ "https://registry.example.com": registry.handle }).fetch;
}

describe("names that no registry may have (rule 23)", () => {
  for (const google of [false, true]) {
    for (const line of ["ls", "ls --table", "ls --names", "ls --json"]) {
      it(`${line} of ${google ? "Google's kind" : "a plain list"}: the same on a pipe and on a terminal`, () =>
        inWorld(async (world) => {
          for (const terminal of [undefined, { columns: 200, rows: 9 }]) {
            const options = { fetch: withBadNames(google), terminal };
            const { code, out, err } = await world.gcrane(`${line} ${repository}`, options);
            assertEquals([code, /(?!\n)\p{Cc}/u.test(out + err)], [0, false], err);
            assertEquals(out.includes("good"), true);
            if (line === "ls --json") continue;
            assertEquals([out.includes("ü"), out.split("\n").includes("b")], [false, false]);
            assertMatch(
              err,
              /^Warning: registry\.example\.com\/team\/app has [2-5] names that can't be names, left out/,
            );
          }
        }));
    }
  }

  it("catalog: the same on a pipe and on a terminal", () =>
    inWorld(async (world) => {
      for (const terminal of [undefined, { columns: 200, rows: 9 }]) {
        const options = { fetch: withBadNames(false), terminal };
        const { code, out, err } = await world.gcrane("catalog registry.example.com", options);
        assertEquals([code, out], [0, "team/app\n"]);
        assertEquals(
          err,
          "Warning: the catalog of registry.example.com has 2 names that can't be names, left out here: " +
            '"Upper", "xa\\u001b[31m\\nb"\n',
        );
      }
    }));
});

describe("gcrane ls", () => {
  it("prints the repositories below, then each digest followed by its tags, sorted", () =>
    inWorld(async (world) => {
      const [one, two] = await fill(world);
      const images = [
        [one, [`${repository}@${one}`, `${repository}:v10`, `${repository}:v2`]],
        [two, [`${repository}@${two}`, `${repository}:sha256-${"0".repeat(64)}.sig`]],
      ] as const;
      const sorted = images.toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([, lines]) => lines);
      const expected = [`${repository}/api`, `${repository}/web`, ...sorted];
      assertEquals((await world.data(`ls ${repository}`)).split("\n"), [...expected, ""]);
      assertEquals(await world.data(`ls --full-ref ${repository}`), await world.data(`ls ${repository}`));
    }));

  it("-O leaves out tags that stand for referrers", () =>
    inWorld(async (world) => {
      await fill(world);
      assertEquals((await world.data(`ls -O ${repository}`)).includes(":sha256-"), false);
      assertEquals((await world.data(`ls --omit-digest-tags ${repository}`)).includes(":v2\n"), true);
    }));

  it("--json prints all that the registry says, on one line", () =>
    inWorld(async (world) => {
      const [one] = await fill(world);
      const out = await world.data(`ls --json ${repository}`);
      assertEquals(out.indexOf("\n"), out.length - 1);
      const listing = JSON.parse(out);
      assertEquals(listing.name, "team/app");
      assertEquals(listing.child, ["api", "web"]);
      assertEquals(listing.tags.toSorted(), [`sha256-${"0".repeat(64)}.sig`, "v10", "v2"]);
      const { tag, imageSizeBytes, timeUploadedMs } = listing.manifest[one];
      assertEquals(tag.toSorted(), ["v10", "v2"]);
      assertMatch(imageSizeBytes, /^\d+$/);
      assertMatch(timeUploadedMs, /^\d+$/);
    }));

  it("prints the tags with their repository where a registry lists no more, or alone", () =>
    inWorld(async (world) => {
      const digestTag = `sha256-${"0".repeat(64)}`;
      const fetch = plain();
      const all = [digestTag, "v10", "v2"];
      const full = all.map((tag) => `${repository}:${tag}\n`).join("");
      assertEquals(await world.data(`ls ${repository}`, { fetch }), full);
      assertEquals(await world.data(`ls --tags ${repository}`, { fetch }), `${all.join("\n")}\n`);
      assertEquals(await world.data(`ls --as crane ${repository}`, { fetch }), `${all.join("\n")}\n`);
      assertEquals(await world.data(`ls --as crane --full-ref ${repository}`, { fetch }), full);
      assertEquals(await world.data(`ls -O --tags ${repository}`, { fetch }), "v10\nv2\n");
      const named = `${repository}:v10\n${repository}:v2\n`;
      for (const flags of ["-O", "-O --full-ref", "-O --tags --full-ref"]) {
        assertEquals(await world.data(`ls ${flags} ${repository}`, { fetch }), named);
      }
      const { name, tags, ...rest } = JSON.parse(await world.data(`ls --json ${repository}`, { fetch }));
      assertEquals([name, tags.length, rest], ["team/app", 3, {}]);
    }));

  it("fails for a repository that is not there", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane(`ls ${repository}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(
        err,
        /^Error: GET https:\/\/registry\.example\.com\/v2\/team\/app\/tags\/list.*: 404 .*NAME_UNKNOWN.*\n$/,
      );
    }));

  it("takes no registry without -r, no tag, and one way to print", () =>
    inWorld(async (world) => {
      const registry = await world.gcrane("ls localhost:5000");
      assertEquals([registry.code, registry.err.split("\n")[0]], [
        2,
        "Error: localhost:5000 is a registry, not a repository — gcrane ls -r localhost:5000 lists all of it, " +
        "gcrane catalog localhost:5000 its repositories",
      ]);
      const { code, err } = await world.gcrane(`ls ${repository}:v1`);
      assertEquals(code, 1);
      assertMatch(err, /^Error: can't parse "registry.example.com\/team\/app:v1": .*\n$/);
      assertEquals((await world.gcrane(`ls --json --table ${repository}`)).code, 2);
    }));

  it("-r lists the repositories below, or a whole registry, of either kind", () =>
    inWorld(async (world) => {
      const [one, two] = await fill(world);
      const images = [one, two].toSorted().flatMap((digest) =>
        digest === one
          ? [`${repository}@${one}`, `${repository}:v10`, `${repository}:v2`]
          : [`${repository}@${two}`, `${repository}:sha256-${"0".repeat(64)}.sig`]
      );
      const below = ["api", "web/ui"].flatMap((
        name,
      ) => [`${repository}/${name}@${one}`, `${repository}/${name}:latest`]);
      const expected = [...images, ...below, ""].join("\n");
      assertEquals(await world.data(`ls -r ${repository}`), expected);
      assertEquals(await world.data("ls -r registry.example.com"), expected);
      const json = (await world.data(`ls -r --json ${repository}`)).trimEnd().split("\n").map((line) =>
        JSON.parse(line)
      );
      assertEquals(json.map(({ name }) => name), ["team/app", "team/app/api", "team/app/web", "team/app/web/ui"]);
      const tags = `${repository}:sha256-${"0".repeat(64)}\n${repository}:v10\n${repository}:v2\n`;
      assertEquals(await world.data("ls -r registry.example.com", { fetch: plain() }), tags);
    }));

  it("-r tells what could not be listed, and goes on", () =>
    inWorld(async (world) => {
      await fill(world);
      const fetch = ((input: string | URL | Request, init?: RequestInit) =>
        String(input).includes("/api/tags/list")
          ? Promise.resolve(new Response("{}", { status: 403 }))
          : world.fetch(input, init)) as typeof globalThis.fetch;
      const { code, out, err } = await world.gcrane(`ls -r ${repository}`, { fetch });
      assertEquals([code, out.includes("web/ui:latest")], [1, true]);
      assertMatch(
        err,
        /^Failed: registry\.example\.com\/team\/app\/api: .*403.*\nError: 1 of the repositories could not/,
      );
    }));

  it("--table shows what there is, with platforms, sizes and ages", () =>
    inWorld(async (world) => {
      const one = await world.push(first, `${repository}:v2`);
      await world.push(first, `${repository}:latest`);
      const index = appendManifests(emptyIndex(), [
        { member: first, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
        { member: second, platform: { os: "linux", architecture: "amd64" } },
      ]);
      const multi = await world.push(index, `${repository}:multi`);
      const two = await second.digest();
      const lines = (await world.data(`ls --table ${repository}`)).trimEnd().split("\n");
      assertEquals(
        lines.map((line) => line.split(/ {2,}/)).map((
          [tag, digest, type, platforms],
        ) => [tag, digest, type, platforms]),
        [
          ["Tag", "Digest", "Type", "Platforms"],
          ["latest, v2", one.slice(0, 19), "image", "linux/arm64/v8"],
          ["multi", multi.slice(0, 19), "index", "linux/arm64/v8, linux/amd64"],
          ["-", two.slice(0, 19), "image", "linux/amd64"],
        ],
      );
      assertMatch(lines[1], / \d[\d.]* k?B +\d+s$/);
      const onTerminal = await world.data(`ls ${repository}`, { terminal: { columns: 120, rows: 40 } });
      // The seconds of the ages may have changed meanwhile.
      const ageless = (text: string) => text.replace(/ +\d+s$/gm, "");
      assertEquals(ageless(onTerminal), ageless(`${lines.join("\n")}\n`));
      assertMatch(await world.data(`ls --names ${repository}`, { terminal: { columns: 120, rows: 40 } }), /@sha256:/);
      const narrow = await world.data(`ls ${repository}`, { terminal: { columns: 40, rows: 40 } });
      assertEquals(narrow.split("\n").every((line) => line.length <= 40), true);
    }));

  it("--table works on a registry that lists tags alone", () =>
    inWorld(async (world) => {
      const registry = new FakeRegistry();
      const bytes = new TextEncoder().encode('{"schemaVersion":2,"layers":[]}');
      registry.addManifest("team/app", { bytes, mediaType: "application/vnd.example+json" }, "v1");
      const { fetch } = fakeFetch({ "https://registry.example.com": registry.handle });
      const out = await world.data(`ls --table ${repository}`, { fetch });
      assertEquals(out.split("\n")[1].split(/ {2,}/), [
        "v1",
        digestOf(bytes).slice(0, 19),
        "example+json",
        "-",
        "-",
        "-",
      ]);
    }));
});

describe("gcrane catalog", () => {
  it("prints the repositories, one per line", () =>
    inWorld(async (world) => {
      await fill(world);
      const names = ["team/app", "team/app/api", "team/app/web/ui"];
      assertEquals(await world.data("catalog registry.example.com"), names.map((name) => `${name}\n`).join(""));
      assertEquals(
        await world.data("catalog --full-ref registry.example.com"),
        names.map((name) => `registry.example.com/${name}\n`).join(""),
      );
    }));

  it("prints nothing of an empty registry", () =>
    inWorld(async (world) => assertEquals(await world.data("catalog registry.example.com"), "")));

  it("takes no repository", () =>
    inWorld(async (world) => {
      const { code, err } = await world.gcrane("catalog registry.example.com/team");
      assertEquals(code, 1);
      assertMatch(err, /a registry has no path.* — the registry alone is "registry\.example\.com"\n$/);
    }));

  it("prints each page as it comes, until the reader has enough", () =>
    inWorld(async (world) => {
      const registry = new FakeRegistry();
      const bytes = new TextEncoder().encode("{}");
      for (let i = 0; i < 2500; i++) {
        registry.addManifest(`r${String(i).padStart(4, "0")}`, { bytes, mediaType: "" }, "t");
      }
      const { fetch, requests } = fakeFetch({ "https://registry.example.com": registry.handle });
      const out = await world.data("catalog registry.example.com", { fetch });
      assertEquals([out.split("\n").length, digestOf(bytes).length], [2501, 71]);
      assertEquals(
        requests.filter(({ path }) => path.startsWith("/v2/_catalog")).length > 1,
        true,
      );
    }));
});
