import { after, before, it } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { DockerEngine, imageFromDaemon, writeToDaemon } from "../../src/daemon/mod.ts";
import { GcraneError, NotFoundError } from "../../src/errors.ts";
import { type Image, validateImage } from "../../src/image/mod.ts";
import { extract } from "../../src/mutate/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { loadManifest, tarballBytes } from "../../src/tarball/mod.ts";
import { describePeer, dockerEngine, type Engine, type Peer, podmanEngine, runPeer } from "../peers/mod.ts";
import { collect } from "../make/streams.ts";
import { imageOf, randomLayer, streamingLayer, tarOf, testLayer } from "../make/images.ts";
import { withConfig } from "../make/engine_images.ts";

/** Layers of several kinds and a config with something in it. */
async function sample(text: string, mediaType?: string): Promise<Image> {
  const layers = [
    await testLayer(await tarOf("etc/a.txt", text), { mediaType: MediaType.OciLayerGzip }),
    await randomLayer(300_000),
    await testLayer(await tarOf("etc/b.txt", text), { mediaType: MediaType.OciLayerGzip }),
  ];
  return withConfig(imageOf(layers, { mediaType }), {
    created: "2024-01-02T03:04:05Z",
    config: { Env: ["A=b"], Cmd: ["/bin/x"], Labels: { of: text } },
    history: layers.map((_, index) => ({ created: "2024-01-02T03:04:05Z", created_by: `step ${index}` })),
    "what.docker.does.not.know": { kept: true },
  });
}

/** The tests that every engine with Docker's API must pass. */
function engineContract(name: string, peer: Peer, start: () => Promise<Engine>): void {
  describePeer(`images in ${name}`, [peer], () => {
    let running: Engine;
    let engine: DockerEngine;
    before(async () => {
      running = await start();
      engine = new DockerEngine({ host: running.host, environment: () => undefined });
    });
    after(async () => {
      await running?.stop();
    });

    it("answers", async () => {
      const { apiVersion, server } = await engine.ping();
      assertMatch(apiVersion, /^1\.\d+$/);
      assertStringIncludes(server ?? "", peer === "podman" ? "Libpod" : "Docker");
    });

    it("goes in and comes out as it was", async () => {
      for (const [tag, mediaType] of [["oci", MediaType.OciManifest], ["docker", MediaType.DockerManifestSchema2]]) {
        const image = await sample(tag, mediaType);
        const reference = `example.com/app:${tag}`;
        assertStringIncludes(await writeToDaemon(image, reference, { engine }), `Loaded image: ${reference}`);

        const found = await imageFromDaemon(reference, { engine });
        const config = await image.configFile();
        assertEquals(found.inspection.id, await image.configName());
        assertEquals(found.inspection.repoTags, [reference]);
        assertEquals(found.inspection.diffIds, config.rootfs.diff_ids);
        assertEquals(found.inspection.platform, { os: "linux", architecture: "amd64" });
        assertEquals(found.inspection.config.Labels, config.config?.Labels);
        assertEquals((await found.history()).map(({ createdBy }) => createdBy), ["step 2", "step 1", "step 0"]);
        assertEquals((await found.history())[0].created, "2024-01-02T03:04:05Z");

        await validateImage(found);
        assertEquals(await found.rawConfigFile(), await image.rawConfigFile());
        assertEquals(await collect(extract(found)), await collect(extract(image)));
        await found.dispose();
      }
    });

    it("is known by its id, and by any name that it is given", async () => {
      const image = await sample("named");
      const id = await image.configName();
      await writeToDaemon(image, "example.com/named:v1", { engine });
      await engine.tag("example.com/named:v1", "example.com/named");
      await engine.tag(id, "localhost:5000/other:v2");
      for (const name of [id, id.slice(7, 19), "example.com/named", "localhost:5000/other:v2"]) {
        assertEquals((await engine.inspect(name)).id, id);
      }
      // What it has already is given the name alone.
      assertEquals(await writeToDaemon(image, "example.com/again:v1", { engine }), "");
      assertEquals((await engine.inspect("example.com/again:v1")).id, id);
      assertEquals(await writeToDaemon(image, "example.com/again:v1", { engine }), "");
    });

    it("has a short name that finds it again", async () => {
      const image = await sample("short");
      await writeToDaemon(image, "short:v1", { engine });
      assertEquals((await engine.inspect("short:v1")).id, await image.configName());
      assertEquals(await writeToDaemon(image, "shorter", { engine }), "");
      assertEquals((await engine.inspect("shorter")).id, await image.configName());
    });

    it("is saved with others into one tarball", async () => {
      const names = ["example.com/several:one", "example.com/several:two"];
      for (const name of names) await writeToDaemon(await sample(name), name, { engine });
      const tarball = tarballBytes(await collect(await engine.save(names)));
      const found = (await loadManifest(tarball)).flatMap(({ repoTags }) => repoTags).sort();
      assertEquals(found, names);
    });

    it("may be of layers that are made while they are sent", async () => {
      const image = imageOf([streamingLayer(await tarOf("a", "streamed"))]);
      await writeToDaemon(image, "example.com/streamed:v1", { engine });
      assertEquals((await engine.inspect("example.com/streamed:v1")).id, await image.configName());
    });

    it("is not there until somebody puts it there", async () => {
      for (
        const ask of [
          () => imageFromDaemon("example.com/nobody:v1", { engine }),
          () => engine.history("example.com/nobody:v1"),
          () => engine.tag("example.com/nobody:v1", "example.com/somebody"),
          () => engine.save("example.com/nobody:v1"),
        ]
      ) {
        const { message } = await assertRejects(ask, NotFoundError, `the Docker engine at ${running.host} can't `);
        assertStringIncludes(message, "example.com/nobody:v1");
      }
    });

    it("is refused where it is no image", async () => {
      // More than fits into the buffers between us: the engine may hang up before it has all.
      for (const size of [1000, 40 * 1024 * 1024]) {
        const body = new Response(new Uint8Array(size).fill(7)).body!;
        await assertRejects(() => engine.load(body), GcraneError, "can't load the images: ");
      }
    });

    if (peer === "podman") {
      it("is what podman itself inspects", async () => {
        const image = await sample("inspected");
        await writeToDaemon(image, "example.com/inspected:v1", { engine });
        const remote = ["--remote", "--url", running.host];
        const [said] = JSON.parse(await runPeer("podman", [...remote, "image", "inspect", "example.com/inspected:v1"]));
        assertEquals(`sha256:${said.Id}`, await image.configName());
        assertEquals(said.RootFS.Layers, (await image.configFile()).rootfs.diff_ids);
        assert(said.RepoTags.includes("example.com/inspected:v1"));
      });
    }
  });
}

engineContract("podman", "podman", podmanEngine);
engineContract("Docker", "dockerd", dockerEngine);
