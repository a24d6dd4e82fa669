import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { emptyIndex, type Image, layerFromBytes, randomImage } from "../../../src/image/mod.ts";
import { createLayout } from "../../../src/layout/mod.ts";
import { appendLayers, appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { MediaType } from "../../../src/spec/mod.ts";
import { type TarNewEntry, writeTar } from "../../../src/tar/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";
import { utf8 } from "../../make/bytes.ts";
import { collect } from "../../make/streams.ts";

const app = "registry.example.com/app";
const mirror = "mirror.example.com/mirror";
const images = Array.from({ length: 4 }, (_, seed) => randomImage({ seed, layers: 1 }));

/** Runs a line that has to be refused, and returns the first line of the message. */
async function refused(world: World, line: string, code: number): Promise<string> {
  const result = await world.gcrane(line);
  assertEquals([result.code, result.out], [code, ""], `gcrane ${line}: ${result.err}`);
  return result.err.split("\n")[0];
}

/** Pushes versions, a prerelease and a moving tag. */
async function pushVersions(world: World): Promise<void> {
  for (const [at, tag] of ["v1.2.0", "v1.10.0", "v2.0.0-rc.1", "latest"].entries()) {
    const created = `2024-01-0${4 - at}T00:00:00Z`;
    await world.push(changeImage(images[at], { created }), `${app}:${tag}`);
  }
}

describe("gcrane ls", () => {
  for (
    const [flags, expected] of [
      ["--tags --filter v1.*", ["v1.10.0", "v1.2.0"]],
      ["--tags --filter /^l/ --filter v2.*", ["latest", "v2.0.0-rc.1"]],
      ["--tags --semver >=1.2", ["v1.10.0", "v1.2.0"]],
      ["--tags --semver >=1.2 --sort semver", ["v1.10.0", "v1.2.0"]],
      ["--sort semver", ["v2.0.0-rc.1", "v1.10.0", "v1.2.0", "latest"].map((tag) => `${app}:${tag}`)],
      ["--tags --sort semver", ["v2.0.0-rc.1", "v1.10.0", "v1.2.0", "latest"]],
      ["--tags --sort name", ["latest", "v1.10.0", "v1.2.0", "v2.0.0-rc.1"]],
      ["--tags --latest", ["v1.10.0"]],
      ["--tags --latest --semver ^1.2.0 --filter *.2.*", ["v1.2.0"]],
      ["--tags --latest --sort name", ["latest"]],
      ["--as crane --semver *", ["v1.10.0", "v1.2.0"]],
    ] as const
  ) {
    it(`chooses and sorts tags: ${flags}`, () =>
      inWorld(async (world) => {
        await pushVersions(world);
        assertEquals(await world.data(`ls ${flags} ${app}`), `${expected.join("\n")}\n`);
      }));
  }

  it("sorts by the upload, the newest first", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      const listing = JSON.parse(await world.data(`ls --json ${app}`));
      const times = new Map<string, number>(
        Object.values(listing.manifest as Record<string, { tag: string[]; timeUploadedMs: string }>)
          .flatMap(({ tag, timeUploadedMs }) => tag.map((name) => [name, Number(timeUploadedMs)] as const)),
      );
      const sorted = (await world.data(`ls --tags --sort time ${app}`)).trim().split("\n");
      assertEquals(sorted.length, 4);
      for (const [at, tag] of sorted.slice(1).entries()) assert(times.get(sorted[at])! >= times.get(tag)!);
    }));

  it("leaves digests of other tags out of the list and of the JSON", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      const digest = (await world.data(`digest ${app}:v1.2.0`)).trim();
      assertEquals(await world.data(`ls --filter v1.2* ${app}`), `${app}@${digest}\n${app}:v1.2.0\n`);
      const { tags, manifest } = JSON.parse(await world.data(`ls --json --filter v1.2* ${app}`));
      assertEquals([tags, Object.keys(manifest)], [["v1.2.0"], [digest]]);
      assertEquals(JSON.parse(await world.data(`ls --json --latest ${app}`)).tags, ["v1.10.0"]);
      const table = await world.data(`ls --table --filter v1.2* ${app}`);
      assertEquals([table.includes("v1.2.0"), table.includes("latest")], [true, false]);
    }));

  it("reports that nothing matches, and exits with 1 by --require and --latest", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      for (const [flags, code] of [["", 0], [" --require", 1]] as const) {
        assertEquals(await refused(world, `ls --filter v9.*${flags} ${app}`, code), `no tag of ${app} matches`);
        assertEquals(await refused(world, `ls -r --filter v9.*${flags} ${app}`, code), `no tag of ${app} matches`);
      }
      assertEquals(await refused(world, `ls --latest --semver >=9 ${app}`, 1), `no tag of ${app} matches`);
      assertStringIncludes(await refused(world, `ls --require ${app}`, 2), "--require is for --filter, --semver");
    }));

  for (const range of ["abc", ">=x", "<", "latest", ""]) {
    it(`refuses a range of versions that is none: ${JSON.stringify(range)}`, () =>
      inWorld(async (world) => {
        await pushVersions(world);
        for (const line of [["ls", app], ["copy", "-a", app, mirror], ["copy", "-r", app, mirror]]) {
          const { code, out, err } = await world.gcrane([...line, "--semver", range]);
          assertEquals([code, out], [2, ""]);
          const message = `Error: ${JSON.stringify(range)} is not a range of versions — for example >=1.2 <2\n`;
          assert(err.startsWith(message), err);
        }
      }));
  }
});

describe("gcrane copy", () => {
  it("-a takes only the tags that are wanted, by pattern and version", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      const { err } = await world.gcrane(`copy -a --tag-filter v* --semver <1.10 ${app} ${mirror}`);
      assertEquals(err, "copied 1 tag, 0 tags were there already\n");
      assertEquals(await world.data(`ls --tags ${mirror}`), "v1.2.0\n");
      await world.gcrane(`copy -r --semver <2 ${app} ${mirror}`);
      assertEquals(await world.data(`ls --tags ${mirror}`), "v1.10.0\nv1.2.0\n");
      assertStringIncludes(
        await refused(world, `copy --tag-filter v* ${app}:v1.2.0 ${mirror}:x`, 2),
        "--tag-filter requires --all-tags or --recursive",
      );
    }));

  it("reports a filter that matches nothing, and exits with 1 by --require", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      for (const [flags, code] of [["", 0], [" --require", 1]] as const) {
        const none = `no tag of ${app} matches --tag-filter 'v9.*'`;
        assertEquals(await refused(world, `copy -a --tag-filter v9.*${flags} ${app} ${mirror}`, code), none);
        const { code: ended, err } = await world.gcrane(`copy -r --tag-filter v9.*${flags} ${app} ${mirror}`);
        assertEquals(ended, code);
        assertStringIncludes(err, `${none}\n`);
      }
    }));

  it("--json prints the sum", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      const digest = (await world.data(`digest ${app}:v1.2.0`)).trim();
      const one = JSON.parse(await world.data(`copy --json ${app}:v1.2.0 ${mirror}:v1.2.0`));
      assertEquals(one, { source: `${app}:v1.2.0`, destination: `${mirror}:v1.2.0`, digest });
      const all = JSON.parse(await world.data(`copy --json -a -n --tag-filter v1.* ${app} ${mirror}`));
      assertEquals(all, { copied: 1, there: 0, kept: 1, resumed: 0, filtered: 2 });
      const { out } = await world.gcrane(`copy --json -r -n ${app} ${mirror}`);
      const { tags, kept, failed, failures } = JSON.parse(out);
      assertEquals({ tags, kept, failed, failures }, { tags: 2, kept: 2, failed: 0, failures: [] });
    }));

  it("refuses a path that exists and is no layout, and leaves it", () =>
    inWorld(async (world) => {
      await pushVersions(world);
      const file = world.write("notes.txt", "mine");
      const error = await refused(world, `copy ${app}:latest ${file}`, 2);
      assertStringIncludes(error, `${file} is a file, not a layout`);
      await world.data(`copy ${app}:latest ${world.path("layout")}`);
      assertStringIncludes(
        await refused(world, `copy ${app}:latest ${world.folder}`, 2),
        "is a directory with other files, not a layout — name a new directory",
      );
      assertEquals(readFileSync(file, "utf8"), "mine");
      for (const place of [`docker-archive:${world.path("layout")}`, `oci-archive:${world.path("layout")}`]) {
        const { code, err } = await world.gcrane(`copy ${app}:latest ${place}`);
        assertEquals(code, 1, place);
        assertMatch(err, /^Error: .*layout.*directory/);
      }
    }));
});

describe("gcrane tag", () => {
  it("gives an image several tags at once, and none if one is wrong", () =>
    inWorld(async (world) => {
      const digest = await world.push(images[0], `${app}:v1.2.3`);
      world.requests.length = 0;
      assertEquals(await world.data(`tag ${app}:v1.2.3 v1 v1.2 latest`), "");
      assertEquals(world.requests.filter((request) => request.startsWith("GET /v2/app/manifests/")).length, 1);
      for (const tag of ["v1", "v1.2", "latest"]) assertEquals(await world.data(`digest ${app}:${tag}`), `${digest}\n`);
      const { code, err } = await world.gcrane(`tag ${app}:v1.2.3 good not+good`);
      assertEquals(code, 1);
      assertStringIncludes(err, "not+good");
      assertEquals((await world.gcrane(`digest ${app}:good`)).code, 1);
    }));
});

describe("gcrane push --all", () => {
  it("pushes every image of a tarball and of a layout under its own tags", () =>
    inWorld(async (world) => {
      const [one, two] = images;
      const tarball = world.path("two.tar");
      await writeTarballFile(tarball, [
        { reference: "team/app:v1", image: one },
        { reference: "team/app:v2", image: two },
        { reference: "other/tool:edge", image: one },
      ]);
      const lines = (await world.data(`push ${tarball} --all ${app} --image-refs ${world.path("refs")}`)).trimEnd();
      assertEquals(await world.data(`ls --tags ${app}`), "edge\nv1\nv2\n");
      assertEquals(readFileSync(world.path("refs"), "utf8"), `${lines}\n`);
      for (const line of lines.split("\n")) assertMatch(line, /^registry\.example\.com\/app@sha256:[0-9a-f]{64}$/);
      assertEquals(await world.data(`digest ${app}:edge`), await world.data(`digest ${app}:v1`));

      await world.data(`pull --format oci --annotate-ref ${app}:v1 ${app}:v2 ${world.path("layout")}`);
      const unnamed = await (await createLayout(world.path("unnamed"))).appendImage(two).then(() =>
        world.path("unnamed")
      );
      await world.data(`push ${world.path("layout")} --all ${mirror}`);
      assertEquals(await world.data(`ls --tags ${mirror}`), "v1\nv2\n");
      assertEquals(await world.data(`push ${unnamed} --all ${mirror}`), `${mirror}@${await two.digest()}\n`);
      assertEquals(await world.data(`ls --tags ${mirror}`), "v1\nv2\n");
    }));

  it("refuses two images of one tag before it pushes anything, and a name beside --all", () =>
    inWorld(async (world) => {
      const tarball = world.path("two.tar");
      await writeTarballFile(tarball, [{ reference: "one/app:v1", image: images[0] }, {
        reference: "two/app:v1",
        image: images[1],
      }]);
      assertEquals(
        await refused(world, `push ${tarball} --all ${app}`, 1),
        "Error: two images have the tag v1: one/app:v1 and two/app:v1 — push them one by one, each under a name of its own",
      );
      assertEquals(world.requests.filter((request) => /^(PUT|POST)/.test(request)), []);
      const equal = world.path("equal.tar");
      const saved = [images[0], images[1]].map((image) => ({ reference: "one/app:v1", image }));
      await writeTarballFile(equal, saved);
      const chosen = `docker-archive:${equal}:one/app:v1`;
      assertStringIncludes(await refused(world, `digest ${chosen}`, 1), "holds several images one/app:v1 — save each");
      assertStringIncludes(await refused(world, `push ${tarball} ${app} --all ${app}`, 2), "--all pushes each image");
      assertStringIncludes(await refused(world, `push ${tarball}`, 2), "no name is given for the image");
    }));
});

describe("--json", () => {
  it("digest prints the descriptor, and manifest those of all that it names", () =>
    inWorld(async (world) => {
      const index = appendManifests(emptyIndex(), images.slice(0, 1));
      const digest = await world.push(index, `${app}:multi`);
      const raw = await world.data(`manifest ${app}:multi`);
      const own = { mediaType: MediaType.OciImageIndex, digest, size: utf8(raw).length };
      assertEquals(JSON.parse(await world.data(`digest --json ${app}:multi`)), own);
      const listed = JSON.parse(await world.data(`manifest --json ${app}:multi`));
      assertEquals(listed, { ...own, kind: "index", blobs: [], members: JSON.parse(raw).manifests });
      const image = JSON.parse(await world.data(`digest --json --platform linux/amd64 ${app}:multi`));
      const { config, layers } = JSON.parse(await world.data(`manifest --platform linux/amd64 ${app}:multi`));
      const named = JSON.parse(await world.data(`manifest --json --platform linux/amd64 ${app}:multi`));
      assertEquals(named, { ...image, kind: "image", config, blobs: layers, members: [] });
      await world.data(`copy ${app}:multi ${world.path("layout")}`);
      assertEquals(JSON.parse(await world.data(`digest --json ${world.path("layout")}`)).digest, digest);
    }));
});

describe("gcrane diff for a pull request", () => {
  async function withFiles(base: Image, files: Record<string, string>): Promise<Image> {
    const entries = Object.entries(files).map(([path, text]): TarNewEntry => ({ path, content: utf8(text) }));
    return appendLayers(base, [await layerFromBytes(await collect(writeTar(entries)))]);
  }

  it("--markdown prints a table for a comment, in which names of files can't end a cell", () =>
    inWorld(async (world) => {
      await world.push(images[0], `${app}:old`);
      await world.push(await withFiles(images[0], { "a|b`c": "x", "<b>": "y" }), `${app}:new`);
      const { code, out } = await world.gcrane(`diff --markdown ${app}:old ${app}:new`);
      assertEquals(code, 1);
      assertStringIncludes(out, `### \`${app}:old\` → \`${app}:new\`\n`);
      assertMatch(out, /^\| Size of layers \| .+ \| .+ \| \+.+ \|$/m);
      assertStringIncludes(out, "2 files differ: 2 added, 0 removed, 0 changed.");
      assertStringIncludes(out, "| added | `` /a\\|b`c `` | 1 B |");
      assertStringIncludes(out, "| added | `/<b>` | 1 B |");
      const equal = await world.gcrane(`diff --markdown ${app}:old ${app}:old`);
      assertEquals([equal.code, equal.out], [0, `### \`${app}:old\` → \`${app}:old\`\n\nThe images are equal.\n`]);
    }));

  it("--max-growth exits with 1 only for a growth beyond it", () =>
    inWorld(async (world) => {
      await world.push(images[0], `${app}:old`);
      await world.push(await withFiles(images[0], { a: "x" }), `${app}:new`);
      for (
        const [line, code] of [
          [`--max-growth 5MB ${app}:old ${app}:new`, 0],
          [`--max-growth 0 ${app}:old ${app}:new`, 1],
          [`--max-growth 10B ${app}:old ${app}:new`, 1],
          [`--max-growth 0 ${app}:new ${app}:old`, 0],
        ] as const
      ) {
        const result = await world.gcrane(`diff ${line}`);
        assertEquals(result.code, code, line);
        const message = /^the layers grow by .+, and --max-growth allows .+\n$/;
        if (code === 0) assertEquals(result.err, "");
        else assertMatch(result.err, message);
      }
      assertEquals((await world.gcrane(`diff --max-growth much ${app}:old ${app}:new`)).code, 2);
    }));
});

describe("zstd into an image of Docker's types", () => {
  const docker = () => randomImage({ seed: 9, layers: 1, mediaType: MediaType.DockerManifestSchema2 });
  const note = "the image becomes an OCI image, since Docker's media types have no zstd";

  for (
    const line of [
      `append -b ${app}:v1 -f LAYER --compression zstd -t ${app}:v2`,
      `mutate ${app}:v1 --append LAYER --compression zstd -t ${app}:v2`,
      `flatten ${app}:v1 --compression zstd -t ${app}:v2`,
      `flatten ${app}:multi --compression zstd -t ${app}:v2`,
      `mutate ${app}:multi --append LAYER --compression zstd -t ${app}:v2`,
    ]
  ) {
    it(`makes all of it OCI's, and reports that on one line: ${line.replaceAll(`${app}:`, "")}`, () =>
      inWorld(async (world) => {
        await world.push(docker(), `${app}:v1`);
        const list = emptyIndex({ mediaType: MediaType.DockerManifestList });
        await world.push(appendManifests(list, [docker()]), `${app}:multi`);
        const layer = world.write("layer.tar", await collect(writeTar([{ path: "a", content: utf8("a") }])));
        const { code, err } = await world.gcrane(line.replace("LAYER", layer));
        assertEquals([code, err], [0, `Warning: ${note}\n`]);
        const top = JSON.parse(await world.data(`manifest ${app}:v2`));
        if (line.includes("multi")) assertEquals(top.mediaType, MediaType.OciImageIndex);
        const { mediaType, config, layers } = JSON.parse(
          await world.data(`manifest --platform linux/amd64 ${app}:v2`),
        );
        const types = [mediaType, config.mediaType, ...layers.map((one: { mediaType: string }) => one.mediaType)];
        assertEquals(types.filter((type) => !type.startsWith("application/vnd.oci.image.")), []);
        assertEquals(layers.at(-1).mediaType, MediaType.OciLayerZstd);
        assertMatch(await world.data(`validate ${app}:v2`), /^PASS/);
      }));
  }

  it("leaves an image of OCI's types, and other compressions, as they are", () =>
    inWorld(async (world) => {
      await world.push(images[0], `${app}:v1`);
      await world.data(`flatten ${app}:v1 --compression zstd -t ${app}:v2`);
      await world.push(docker(), `${app}:docker`);
      await world.data(`flatten ${app}:docker -t ${app}:v3`);
      assertEquals(JSON.parse(await world.data(`manifest ${app}:v3`)).mediaType, MediaType.DockerManifestSchema2);
    }));
});

describe("what crane's hands type", () => {
  it("--version prints the version", () =>
    inWorld(async (world) => {
      const version = await world.data("version");
      assertEquals(await world.data("--version"), version);
      assertEquals(await world.data("catalog registry.example.com --version"), version);
    }));

  it("help, usage and completion of crane are under that name", () =>
    inWorld(async (world) => {
      const options = { names: ["crane"] };
      assertMatch(await world.data("copy --help", options), /^Usage: crane copy \[flags\] SRC DST$/m);
      assertMatch((await world.gcrane("copy", options)).err, /^Usage: crane copy /m);
      assertStringIncludes(await world.data("completion bash", options), "complete -F _crane crane");
      assertEquals((await world.gcrane("ls --as podman x")).code, 2);
    }));

  it("--as gcrane wins over the name, and the name over nothing", () =>
    inWorld(async (world) => {
      await world.push(images[0], `${app}:v1`);
      const crane = { names: ["crane"] };
      assertEquals(await world.data(`ls ${app}`, crane), "v1\n");
      assertMatch(await world.data(`ls --as gcrane ${app}`, crane), /^registry\.example\.com\/app@sha256/);
      assertEquals(await world.data(`ls ${app}`, { ...crane, terminal: { columns: 80, rows: 24 } }), "v1\n");
    }));

  it("auth login -p stores the password, with a warning", () =>
    inWorld(async (world) => {
      const { code, err } = await world.gcrane("auth login registry.example.com -u ann -p s3cret --no-check");
      assertEquals(code, 0);
      assertMatch(err, /^Warning: every process of the machine can read a password on the command line/);
      assertEquals(await world.data("auth get registry.example.com"), '{"Username":"ann","Secret":"s3cret"}\n');
    }));

  it("completion powershell offers commands, flags and values", () =>
    inWorld(async (world) => {
      const script = await world.data("completion powershell");
      assertStringIncludes(script, "Register-ArgumentCompleter -Native -CommandName 'gcrane'");
      assertStringIncludes(script, "'gcrane auth login' = @{");
      assertStringIncludes(script, "$t.Add('--compression', @('gzip', 'zstd', 'none', 'estargz'))");
      assertStringIncludes(script, "$t.Add('cp', 'copy')");
      // Every bracket and quote is closed, outside of the quoted words.
      const bare = script.replaceAll(/^\s*#.*$/gm, "").replaceAll(/'(?:[^']|'')*'/g, "");
      for (const [open, close] of ["()", "{}", "[]"]) {
        assertEquals(bare.split(open).length, bare.split(close).length, open);
      }
    }));
});
