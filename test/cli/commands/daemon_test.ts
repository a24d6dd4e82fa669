import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { emptyIndex, type Image, randomImage, validateImage } from "../../../src/image/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { MediaType, parsePlatform } from "../../../src/spec/mod.ts";
import {
  imageFromTarball,
  loadManifest,
  tarballBytes,
  tarballFile,
  writeTarballFile,
} from "../../../src/tarball/mod.ts";
import { holding, NAME } from "../../make/engine_images.ts";
import { type FakeEngine, messages, withEngine } from "../../fakes/fake_engine.ts";
import { describePeer, dockerEngine, type Engine, type Peer, podmanEngine, runPeer } from "../../peers/mod.ts";
import { writeNpmApp } from "../../make/app_folder.ts";
import { baseFor } from "../../make/built_apps.ts";
import { DEFAULT_PLATFORM_NOTE, inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

/** Images as Docker has them. */
function imageFor(platform: string): Image {
  const image = randomImage({ layers: 2, compression: "gzip" });
  return changeImage(image, { platform: parsePlatform(platform), mediaType: MediaType.DockerManifestSchema2 });
}

/** Writes an app into the folder `app` of a world, and pushes a base for two platforms. */
async function pushBase(world: World): Promise<void> {
  writeNpmApp(world.path("app"), { packages: ["hono"], main: "server.js", files: { "server.js": "import 'hono';\n" } });
  await world.push(baseFor("linux/amd64", "linux/arm64"), `${app}:base`);
}

/** The environment that names an engine. */
const at = ({ host }: { host: string }) => ({ environment: { DOCKER_HOST: host } });

describe("an image in a Docker Engine", () => {
  const image = imageFor("linux/amd64");

  const inWorldWithIt = async (test: (world: World, engine: FakeEngine) => Promise<void>) =>
    await withEngine(await holding(image), (engine) => inWorld((world) => test(world, engine)));

  it("is named daemon://NAME wherever an image is read", () =>
    inWorldWithIt(async (world, engine) => {
      const text = new TextDecoder().decode(await image.rawConfigFile());
      assertEquals(await world.data(`config daemon://${NAME}`, at(engine)), text);
      assertEquals(await world.data(`validate daemon://${NAME}`, at(engine)), `PASS: daemon://${NAME}\n`);
      await world.data(`copy daemon://${NAME} ${app}:v1`, at(engine));
      assertEquals(await world.data(`config ${app}:v1`), text);
      const pushed = await world.data(`mutate daemon://${NAME} -l a=b -t ${app}:v2`, at(engine));
      assertEquals(JSON.parse(await world.data(`config ${pushed.trim()}`)).config.Labels, { a: "b" });
      assertEquals(await world.data(`diff daemon://${NAME} ${app}:v1`, at(engine)), "");
    }));

  it("is pulled into a tarball under its name, or into a layout", () =>
    inWorldWithIt(async (world, engine) => {
      const [path, layout] = [world.path("app.tar"), world.path("layout")];
      assertEquals(await world.data(`pull daemon://${NAME} ${path}`, at(engine)), "");
      const [{ repoTags }] = await loadManifest(tarballFile(path));
      assertEquals(repoTags, [NAME]);
      await validateImage(await imageFromTarball(tarballFile(path)));
      await world.data(`pull --format oci --annotate-ref daemon://${NAME} ${layout}`, at(engine));
      assertEquals(await world.data(`validate ${layout}:${NAME}`), `PASS: ${layout}:${NAME}\n`);
    }));

  it("takes an image that it does not have yet, whence ever it is", () =>
    inWorld(async (world) => {
      await world.push(appendManifests(emptyIndex(), [imageFor("linux/arm64"), image]), `${app}:all`);
      const tarball = world.path("app.tar");
      await writeTarballFile(tarball, [{ image, reference: "a:b" }]);
      for (const line of [`copy ${app}:all`, `push ${tarball}`, "push -"]) {
        await withEngine({ "POST /images/load": messages({ stream: "Loaded image: c:d" }) }, async (engine) => {
          const stdin = new Uint8Array(readFileSync(tarball));
          const { code, out, err } = await world.gcrane(`${line} daemon://c:d`, { ...at(engine), stdin });
          assertEquals([code, out, err], [0, "", line.startsWith("copy") ? DEFAULT_PLATFORM_NOTE : ""]);
          const sent = tarballBytes(engine.seen.at(-1)!.body);
          assertEquals((await loadManifest(sent))[0].repoTags, ["c:d"]);
          assertEquals(await (await imageFromTarball(sent)).configName(), await image.configName());
        });
      }
    }));

  it("is made by a build, with nothing pushed", () =>
    inWorld(async (world) => {
      await pushBase(world);
      const before = world.requests.length;
      await withEngine({ "POST /images/load": messages({ stream: "Loaded image: app:v1" }) }, async (engine) => {
        const line = `build ${world.path("app")} -b ${app}:base --cache ${world.path("cache")}`;
        const { code, out, err } = await world.gcrane(`${line} -t daemon://app:v1`, at(engine));
        assertEquals([code, err], [0, DEFAULT_PLATFORM_NOTE]);
        assertEquals(world.requests.slice(before).filter((request) => !/^(GET|HEAD) /.test(request)), []);
        const sent = tarballBytes(engine.seen.at(-1)!.body);
        assertEquals((await loadManifest(sent))[0].repoTags, ["app:v1"]);
        const image = await imageFromTarball(sent);
        await validateImage(image);
        // The digest is that of the same build into a registry, where it has both platforms.
        assertEquals((await world.gcrane(`${line} -t ${app}:v1`)).out, `${app}@${out}`);
        const config = await world.data(`config --platform linux/amd64 ${app}:v1`);
        assertEquals(new TextDecoder().decode(await image.rawConfigFile()), config);
        const refs = await world.gcrane(`${line} -t daemon://app:v1 --image-refs ${world.path("refs")}`, at(engine));
        assertEquals([refs.code, refs.err.split(/ — |\n/)[0]], [
          2,
          "Error: --image-refs is for images that are pushed",
        ]);
        assertEquals(engine.lines().filter((line) => line.includes("/images/load")).length, 1);
      });
    }));

  it("is an error where the engine is not there, has none, answers 200 with an error inside, or takes no digest", () =>
    inWorld(async (world) => {
      await world.push(image, `${app}:v1`);
      const failures = async (engine: { host: string }, cases: readonly (readonly [string, number, string])[]) => {
        for (const [line, code, message] of cases) {
          const result = await world.gcrane(line, at(engine));
          assertEquals([result.code, result.out], [code, ""], line);
          assertStringIncludes(result.err, `Error: ${message}`, line);
          if (code === 1) assertMatch(result.err, /^Error: [^\n]*\n$/);
        }
      };
      const nowhere = { host: `unix://${world.path("no.sock")}` };
      await failures(nowhere, [
        ["config daemon://a:b", 1, `can't reach the Docker engine at ${nowhere.host}`],
        [`copy ${app}:v1 daemon://a:b`, 1, `can't reach the Docker engine at ${nowhere.host}`],
      ]);
      const bad = messages({ stream: "half" }, { errorDetail: { message: "no space left" }, error: "no space left" });
      await withEngine({ "POST /images/load": bad }, (engine) =>
        failures(engine, [
          [
            `copy ${app}:v1 daemon://a:b`,
            1,
            `the Docker engine at ${engine.host} can't load the images: no space left`,
          ],
          ["config daemon://a:b", 1, `the Docker engine at ${engine.host} can't inspect a:b: `],
          [`copy ${app}:v1 daemon://a@sha256:${"0".repeat(64)}`, 1, "can't parse \"a@sha256:0"],
          ["copy daemon://../x a:b", 1, '"../x" is not the name of an image'],
          ["copy -a daemon://a b", 2, "--all-tags is for repositories of registries"],
          [
            `copy --platform linux/amd64,linux/arm64 ${app}:v1 daemon://a:b`,
            2,
            "this command requires one image of an index, not 2",
          ],
        ]));
      await failures({ host: "nonsense" }, [[
        "config daemon://a:b",
        2,
        '"nonsense" is not an address of a Docker engine',
      ]]);
    }));
});

/** The tests of the command line with an engine, fake or real. */
function engineSuite(name: string, peer: Peer, start: () => Promise<Engine>): void {
  describePeer(`gcrane and ${name}`, [peer], () => {
    let running: Engine;
    before(async () => {
      running = await start();
    });
    after(async () => {
      await running?.stop();
    });

    it("has what a build makes", { timeout: 60_000 }, () =>
      inWorld(async (world) => {
        await pushBase(world);
        const line = `build ${world.path("app")} -b ${app}:base --sbom none`;
        const { code, err } = await world.gcrane(`${line} -t daemon://example.com/built:v1`, at(running));
        assertEquals([code, err], [0, DEFAULT_PLATFORM_NOTE]);
        await world.gcrane(`${line} -t ${app}:built`);
        assertEquals(
          await world.data("config daemon://example.com/built:v1", at(running)),
          await world.data(`config --platform linux/amd64 ${app}:built`),
        );
      }));

    it("moves images in and out, and they stay what they are", { timeout: 60_000 }, () =>
      inWorld(async (world) => {
        const [image, other] = [imageFor("linux/amd64"), imageFor("linux/amd64")];
        await world.push(image, `${app}:v1`);
        await writeTarballFile(world.path("app.tar"), [{ image: other, reference: "a:b" }]);
        await world.data(`copy ${app}:v1 daemon://example.com/in:v1`, at(running));
        await world.data(`push ${world.path("app.tar")} daemon://example.com/in:v2`, at(running));
        for (const [tag, expected] of [["v1", image], ["v2", other]] as const) {
          const text = new TextDecoder().decode(await expected.rawConfigFile());
          assertEquals(await world.data(`config daemon://example.com/in:${tag}`, at(running)), text);
          await world.data(`copy daemon://example.com/in:${tag} ${app}:out`, at(running));
          assertEquals(await world.data(`config ${app}:out`), text);
          assertEquals(await world.data(`validate ${app}:out`), `PASS: ${app}:out\n`);
        }
        if (peer !== "podman") return;
        const remote = ["--remote", "--url", running.host];
        const [said] = JSON.parse(await runPeer("podman", [...remote, "image", "inspect", "example.com/in:v1"]));
        const config = await image.configFile();
        assertEquals([`sha256:${said.Id}`, said.Os, said.Architecture], [await image.configName(), "linux", "amd64"]);
        assertEquals(said.RootFS.Layers, config.rootfs.diff_ids);
        assertEquals(said.History.length, config.history?.length);
      }));
  });
}

engineSuite("podman", "podman", podmanEngine);
engineSuite("Docker", "dockerd", dockerEngine);
