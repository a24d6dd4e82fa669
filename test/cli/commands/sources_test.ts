import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { emptyIndex, type Image, randomImage, validateIndex } from "../../../src/image/mod.ts";
import { createLayout, openLayout } from "../../../src/layout/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { MediaType, parsePlatform, platformString } from "../../../src/spec/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { ociArchive } from "../../make/oci_archives.ts";
import { DEFAULT_PLATFORM_NOTE, inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";
const [amd64, arm64] = ["linux/amd64", "linux/arm64"].map((platform) =>
  changeImage(randomImage({ layers: 1, compression: "gzip" }), {
    platform: parsePlatform(platform),
    mediaType: MediaType.DockerManifestSchema2,
  })
);
const multi = appendManifests(emptyIndex(), [amd64, arm64]);

/** One of each kind of file. */
async function files(world: World) {
  const paths = {
    tarball: world.path("app.tar"),
    two: world.path("two.tar"),
    layout: world.path("layout"),
    gathered: world.path("gathered"),
    archive: world.path("archive.tar"),
  };
  await writeTarballFile(paths.tarball, [{ image: amd64, reference: `${app}:v1` }]);
  await writeTarballFile(paths.two, [
    { image: amd64, reference: `${app}:v1` },
    { image: arm64, reference: `${app}:v2` },
  ]);
  await (await createLayout(paths.layout)).appendIndex(multi, { refName: "v1" });
  const gathered = await createLayout(paths.gathered);
  await gathered.appendImage(amd64, { refName: `${app}:amd`, platform: parsePlatform("linux/amd64") });
  await gathered.appendImage(arm64, { refName: `${app}:arm`, platform: parsePlatform("linux/arm64") });
  world.write("archive.tar", await ociArchive(amd64));
  return paths;
}

async function configOf(image: Image): Promise<string> {
  return new TextDecoder().decode(await image.rawConfigFile());
}

describe("an image that is in no registry", () => {
  it("is named by the path of a tarball, a layout or a layout in a tar, or comes on standard input", () =>
    inWorld(async (world) => {
      const { tarball, two, layout, gathered, archive } = await files(world);
      for (
        const [name, image] of [
          [tarball, amd64],
          [archive, amd64],
          [layout, amd64],
          [`${layout}:v1`, amd64],
          [`--platform linux/arm64 ${layout}`, arm64],
          [`${two}:${app}:v2`, arm64],
          [`${gathered}:${app}:arm`, arm64],
          [`--platform linux/arm64 ${gathered}`, arm64],
        ] as const
      ) {
        const { code, out, err } = await world.gcrane(`config ${name}`);
        const note = name.startsWith(layout) ? DEFAULT_PLATFORM_NOTE : "";
        assertEquals([code, out, err], [0, await configOf(image), note], name);
      }
      for (const path of [tarball, archive]) {
        const stdin = new Uint8Array(readFileSync(path));
        assertEquals(await world.data("config -", { stdin }), await configOf(amd64));
      }
      assertEquals(world.requests, []);
    }));

  it("has a manifest, a digest, files and a use of space, and can be validated and compared", () =>
    inWorld(async (world) => {
      const { tarball, two, layout, gathered, archive } = await files(world);
      assertEquals(await world.data(`digest ${layout}`), `${await multi.digest()}\n`);
      assertEquals(await world.data(`digest ${archive}`), `${await amd64.digest()}\n`);
      assertEquals(await world.data(`digest --platform linux/arm64 ${layout}`), `${await arm64.digest()}\n`);
      assertEquals(JSON.parse(await world.data(`manifest ${layout}`)), await multi.manifest());
      assertEquals(JSON.parse(await world.data(`manifest ${tarball}`)), await amd64.manifest());
      assertStringIncludes(await world.data(`du --json ${archive}`), `"wasted":0`);
      const exported = await world.gcrane(`export ${archive} -`);
      assertEquals((await world.gcrane(`export ${tarball} -`)).io.outBytes, exported.io.outBytes);
      for (const path of [tarball, two, layout, gathered, archive, `${two}:${app}:v2`]) {
        assertEquals(await world.data(`validate ${path}`), `PASS: ${path}\n`);
      }
      assertEquals(await world.data(`validate --tarball ${two}`), `PASS: ${two}\n`);
      assertEquals(await world.data(`diff --platform linux/amd64 ${archive} ${layout}`), "");
      const { code, out } = await world.gcrane(`diff ${two}:${app}:v1 ${two}:${app}:v2`);
      assertEquals(code, 1);
      assertStringIncludes(out, "~ architecture:");
      assertEquals(world.requests, []);
    }));

  it("can be copied, changed and flattened into a registry, and rebased, where the result has a name", () =>
    inWorld(async (world) => {
      const { tarball, layout } = await files(world);
      await world.data(`copy ${layout} ${app}:all`);
      assertEquals(await world.data(`digest ${app}:all`), `${await multi.digest()}\n`);
      const mutated = await world.data(`mutate ${layout} -l a=b -t ${app}:labelled`);
      assertEquals(mutated, await world.data(`digest --full-ref ${app}:labelled`));
      const flat = await world.data(`flatten ${tarball} -t ${app}:flat`);
      const base = ["--old-base", `${app}:all`, "--new-base", `${app}:all`].join(" ");
      const rebased = await world.data(`rebase ${tarball} ${base} -t ${app}:rebased`);
      for (const pushed of [mutated, flat, rebased]) {
        assertEquals(await world.data(`validate ${pushed.trim()}`), `PASS: ${pushed}`);
      }
      await world.data(`mutate ${tarball} -l a=b -o ${world.path("out.tar")}`);
      assertEquals(JSON.parse(await world.data(`config ${world.path("out.tar")}`)).config.Labels, { a: "b" });
      for (
        const line of [`mutate ${tarball} -l a=b`, `flatten ${layout}`, `rebase ${tarball} --old-base a --new-base b`]
      ) {
        const { code, out, err } = await world.gcrane(line);
        const path = line.split(" ")[1];
        assertEquals([code, out], [2, ""]);
        assertStringIncludes(
          err,
          `Error: ${path} is in no registry, so the result needs a name — give it one with -t\n`,
        );
      }
    }));

  it("is pulled: a layout becomes a tarball, a tarball or what comes on standard input a layout", () =>
    inWorld(async (world) => {
      const { tarball, two, layout, archive } = await files(world);
      const [made, other] = [world.path("made.tar"), world.path("other")];
      await world.data(`pull --platform linux/arm64 ${layout} ${made}`);
      assertEquals(await world.data(`config ${made}`), await configOf(arm64));
      await world.data(`pull --format legacy ${two}:${app}:v2 ${made}`);
      assertEquals(await world.data(`config ${made}:${app}:v2`), await configOf(arm64));
      await world.data(`pull --format oci --annotate-ref ${two}:${app}:v1 ${layout} ${other}`);
      assertEquals(await world.data(`config ${other}:${app}:v1`), await configOf(amd64));
      assertEquals(await world.data(`validate ${other}`), `PASS: ${other}\n`);
      for (const path of [tarball, archive]) {
        const stdin = new Uint8Array(readFileSync(path));
        await world.data(`pull --format oci - ${world.path("piped")}`, { stdin });
      }
      assertEquals(await world.data(`digest ${world.path("piped")}`), `${await amd64.digest()}\n`);
      const { code, err } = await world.gcrane(`pull ${two} ${made}`);
      assertEquals(code, 1);
      assertStringIncludes(err, `${two} holds 2 images: it has ${app}:v1, ${app}:v2`);
    }));

  it("is one of several that has to be named", () =>
    inWorld(async (world) => {
      const { two, gathered } = await files(world);
      const failures: [string, string][] = [
        [
          `config ${two}`,
          `${two} holds 2 images: it has ${app}:v1, ${app}:v2 — choose one of them by its tag: FILE:TAG`,
        ],
        [
          `export ${two} -`,
          `${two} holds 2 images: it has ${app}:v1, ${app}:v2 — choose one of them by its tag: FILE:TAG`,
        ],
        [`config ${two}:${app}:v3`, `${two} holds no image ${app}:v3: it has ${app}:v1, ${app}:v2`],
        [
          `manifest ${gathered}`,
          `the layout ${gathered} holds 2 images or indexes, not one — choose one by its name: ${app}:amd, ${app}:arm`,
        ],
        [`config ${gathered}:${app}:ppc`, `the layout ${gathered} does not hold one image or index called ${app}:ppc`],
        [`config --platform linux/s390x ${gathered}`, "has no image for linux/s390x; it has linux/amd64, linux/arm64"],
        [`digest ${world.path("none.tar")}`, `can't read ${world.path("none.tar")}: no such file`],
        [`digest ${world.write("bad.tar", "no tar")}`, "bad.tar is not a whole tar archive"],
      ];
      for (const [line, message] of failures) {
        const { code, out, err } = await world.gcrane(line);
        assertEquals([code, out], [1, ""], line);
        assertMatch(err, /^Error: [^\n]*\n$/);
        assertStringIncludes(err, message, line);
      }
    }));
});

describe("gcrane digest --tarball", () => {
  it("prints what a push of the file would give", () =>
    inWorld(async (world) => {
      const { tarball, two, archive } = await files(world);
      const pushed = await world.data(`push ${tarball} ${app}:v1`);
      assertEquals(`${app}@${await world.data(`digest --tarball ${tarball}`)}`, pushed);
      assertEquals(await world.data(`digest --tarball ${two} ${app}:v2`), `${await arm64.digest()}\n`);
      assertEquals(await world.data(`digest --tarball ${archive}`), `${await amd64.digest()}\n`);
    }));

  it("needs a name where there are several, and an image or a file at all", () =>
    inWorld(async (world) => {
      const { tarball, two } = await files(world);
      for (
        const [line, code, message] of [
          [`digest --tarball ${two}`, 1, `${two} holds 2 images: it has ${app}:v1, ${app}:v2`],
          [`digest --tarball ${two} ${app}:v3`, 1, `${two} holds no image ${app}:v3`],
          [`digest --tarball ${tarball} --full-ref`, 2, "--full-ref is for registries, not for files"],
          [`digest --full-ref ${tarball}`, 2, `${tarball} is in no repository — leave out --full-ref`],
          ["digest", 2, "no image is given — name it, or a file with --tarball"],
        ] as const
      ) {
        const result = await world.gcrane(line);
        assertEquals([result.code, result.out], [code, ""], line);
        assertStringIncludes(result.err, `Error: ${message}`, line);
      }
    }));
});

describe("gcrane index and files", () => {
  const platformsOf = async (world: World, name: string) =>
    (await world.data(`index list ${name}`)).trimEnd().split("\n").slice(1).map((line) => line.split(/\s+/)[2]);

  it("lists what layouts and tarballs hold", () =>
    inWorld(async (world) => {
      const { tarball, two, layout, gathered, archive } = await files(world);
      assertEquals(await platformsOf(world, two), ["linux/amd64", "linux/arm64"]);
      assertEquals(await platformsOf(world, tarball), ["linux/amd64"]);
      assertEquals(await platformsOf(world, gathered), ["linux/amd64", "linux/arm64"]);
      assertEquals(await platformsOf(world, layout), ["-"]);
      assertEquals(await platformsOf(world, `${layout}:v1`), ["linux/amd64", "linux/arm64"]);
      assertEquals(await platformsOf(world, archive), ["-"]);
      const stdin = new Uint8Array(readFileSync(two));
      assertStringIncludes(await world.data("index list -", { stdin }), "linux/arm64");
    }));

  it("filters a layout where it is, or any file into a registry", () =>
    inWorld(async (world) => {
      const { two, layout, gathered } = await files(world);
      const pushed = await world.data(`index filter ${two} --platform linux/arm64 -t ${app}:few`);
      assertEquals(pushed, await world.data(`digest --full-ref ${app}:few`));
      assertEquals(await platformsOf(world, `${app}:few`), ["linux/arm64"]);
      await world.data(`index filter ${layout} --platform linux/amd64 -t ${app}:few`);
      assertEquals(await platformsOf(world, `${app}:few`), ["linux/amd64"]);
      assertEquals(await platformsOf(world, `${layout}:v1`), ["linux/amd64", "linux/arm64"]);

      assertEquals(await world.data(`index filter ${layout} --platform linux/arm64`), "");
      assertEquals(await platformsOf(world, `${layout}:v1`), ["linux/arm64"]);
      assertEquals(await world.data(`index filter ${gathered} --platform linux/arm64`), "");
      assertEquals(await platformsOf(world, gathered), ["linux/arm64"]);
      await validateIndex((await openLayout(gathered)).index());
      const { code, err } = await world.gcrane(`index filter ${gathered} --platform windows`);
      assertEquals([code, err], [1, `Error: the layout ${gathered} has nothing for windows; it has linux/arm64\n`]);
      for (
        const line of [
          `index filter ${two} --platform linux`,
          `index filter ${layout}:v1 --platform linux`,
          `index append ${two} -m ${two}`,
          `index append ${layout}:v1 -m ${two}`,
        ]
      ) {
        const { code, out, err } = await world.gcrane(line);
        assertEquals([code, out], [2, ""], line);
        assertStringIncludes(err, "is in no registry, so the result needs a name — give it one with -t", line);
      }
    }));

  it("appends files to an index, and an index in a file to others, nested or not", () =>
    inWorld(async (world) => {
      const { two, layout, gathered, archive } = await files(world);
      await world.data(`index append -m ${two} -t ${app}:two`);
      assertEquals(await platformsOf(world, `${app}:two`), ["linux/amd64", "linux/arm64"]);
      await world.data(`index append -m ${layout} --flatten=false -m ${archive} -t ${app}:nested`);
      assertEquals(await platformsOf(world, `${app}:nested`), ["-", "linux/amd64"]);
      await world.data(`index append ${gathered} -m ${archive} -t ${app}:based`);
      assertEquals(await platformsOf(world, `${app}:based`), ["linux/amd64", "linux/arm64", "linux/amd64"]);
      const index = await new Puller({ fetch: world.fetch }).index(parseReference(`${app}:nested`));
      await validateIndex(index);
      const { platform } = (await index.manifest()).manifests[1];
      assert(platform && platformString(platform) === "linux/amd64");
    }));
});
