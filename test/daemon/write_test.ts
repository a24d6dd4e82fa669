import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { writeToDaemon } from "../../src/daemon/mod.ts";
import { DaemonError, DigestMismatchError, HttpError, NameError, NetworkError } from "../../src/errors.ts";
import { type ProgressEvent, validateImage } from "../../src/image/mod.ts";
import { imageFromTarball, tarballBytes, tarballImages } from "../../src/tarball/mod.ts";
import { type FakeEngine, messages, withEngine } from "../fakes/fake_engine.ts";
import { imageOf, streamingLayer, tarOf, testLayer, textImage } from "../make/images.ts";
import { leavingNothing } from "../make/folders.ts";
import { holding, NAME } from "../make/engine_images.ts";

const loads = { "POST /images/load": messages({ stream: `Loaded image: ${NAME}\n` }) };

/** The last thing that the engine was sent. */
const sent = ({ seen }: FakeEngine) => tarballBytes(seen.at(-1)!.body);

describe("writeToDaemon", () => {
  it("sends a tarball of the image with its name, and gives what the engine says", async () => {
    const image = await textImage("one", "two");
    const events: ProgressEvent[] = [];
    await withEngine(loads, async (engine) => {
      const onProgress = (event: ProgressEvent) => void events.push(event);
      assertEquals(await writeToDaemon(image, NAME, { engine: engine.client(), onProgress }), `Loaded image: ${NAME}`);
      const [{ repoTags, image: copy }] = await tarballImages(sent(engine));
      assertEquals(repoTags, [NAME]);
      await validateImage(copy);
      assertEquals(await copy.rawConfigFile(), await image.rawConfigFile());
      assertEquals(events.filter(({ state }) => state === "done").length, 3);
      assertEquals(engine.lines(), [
        `GET /v1.41/images/${await image.configName()}/json`,
        "POST /v1.41/images/load?quiet=1",
      ]);
    });
  });

  it("fills in the tag, without which docker does not load a name", async () => {
    await withEngine(loads, async (engine) => {
      await writeToDaemon(await textImage("one"), "localhost:5000/a", { engine: engine.client() });
      assertEquals((await tarballImages(sent(engine)))[0].repoTags, ["localhost:5000/a:latest"]);
    });
  });

  it("sends nothing of an image that the engine has", async () => {
    const image = await textImage("one");
    const id = await image.configName();
    const opened: string[] = [];
    const layer = await testLayer(await tarOf("0.txt", "one"), { onOpen: (stream) => (opened.push("layer"), stream) });
    const same = imageOf([layer]);
    await withEngine(await holding(image, { RepoTags: ["<none>:<none>", "ubuntu:latest"] }), async (engine) => {
      const options = { engine: engine.client() };
      assertEquals(await writeToDaemon(same, "example.com/b:v2", options), "");
      // The engine has this name already, in another form.
      assertEquals(await writeToDaemon(same, "index.docker.io/library/ubuntu", options), "");
      assertEquals(engine.lines(), [
        `GET /v1.41/images/${id}/json`,
        `POST /v1.41/images/${id}/tag?repo=example.com%2Fb&tag=v2`,
        `GET /v1.41/images/${id}/json`,
      ]);
      assertEquals(opened, []);
    });
  });

  it("sends an image where the engine's id of that digest is not its config's", async () => {
    const image = await textImage("one");
    const answers = await holding(image, { RepoDigests: [`a@${await image.configName()}`] });
    await withEngine({ ...answers, ...loads }, async (engine) => {
      await writeToDaemon(image, NAME, { engine: engine.client() });
      assertEquals(engine.lines().at(-1), "POST /v1.41/images/load?quiet=1");
    });
  });

  it("sends layers that are streams, read once, and leaves nothing of them behind", async () => {
    await leavingNothing(async () => {
      await withEngine(loads, async (engine) => {
        const tar = await tarOf("a", "streamed");
        const image = imageOf([streamingLayer(tar)]);
        await writeToDaemon(image, NAME, { engine: engine.client() });
        assertEquals(engine.lines(), ["POST /v1.41/images/load?quiet=1"]);
        await validateImage(await imageFromTarball(sent(engine)));
      });
    });
  });

  it("takes no name with a digest, and none that is none", async () => {
    await withEngine(loads, async (engine) => {
      const image = await textImage("one");
      for (const name of [`a@sha256:${"1".repeat(64)}`, "A b", ""]) {
        await assertRejects(() => writeToDaemon(image, name, { engine: engine.client() }), NameError);
      }
      assertEquals(engine.lines(), []);
    });
  });

  it("fails with what the engine says, whichever way it says it", async () => {
    const image = await textImage("one");
    const bad = messages({ stream: "half" }, { errorDetail: { message: "no space left" }, error: "no space left" });
    await withEngine({ "POST /images/load": bad }, async (engine) => {
      await assertRejects(
        () => writeToDaemon(image, NAME, { engine: engine.client() }),
        DaemonError,
        "no space left",
      );
    });
    await withEngine({ "POST /images/load": { status: 500, body: { message: "no" } } }, async (engine) => {
      await assertRejects(() => writeToDaemon(image, NAME, { engine: engine.client() }), HttpError, "no");
    });
    const broken = { [`GET /images/${await image.configName()}/json`]: { status: 500, body: { message: "broken" } } };
    await withEngine({ ...loads, ...broken }, async (engine) => {
      await assertRejects(() => writeToDaemon(image, NAME, { engine: engine.client() }), HttpError, "broken");
    });
    await withEngine({}, async (engine) => {
      const gone = engine.client({ host: `${engine.host}.gone` });
      await assertRejects(() => writeToDaemon(image, NAME, { engine: gone }), NetworkError, "no such socket");
    });
  });

  it("fails with the image's own error, and gives the engine no whole tarball", async () => {
    const layer = await testLayer(await tarOf("a", "x".repeat(5000)), {
      compression: "none",
      onOpen: (stream) =>
        stream.pipeThrough(
          new TransformStream({
            transform: (chunk, controller) => controller.enqueue(chunk.map((byte: number) => byte ^ 1)),
          }),
        ),
    });
    await withEngine(loads, async (engine) => {
      const error = await assertRejects(
        () => writeToDaemon(imageOf([layer]), NAME, { engine: engine.client() }),
        Error,
      );
      assert(error instanceof DigestMismatchError, error.message);
      assertEquals(engine.lines().some((line) => line.startsWith("POST")), false);
    });
  });

  it("ends with the signal", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const layer = await testLayer(await tarOf("a", "a"), {
      onOpen(stream) {
        controller.abort(reason);
        return stream;
      },
    });
    await withEngine(loads, async (engine) => {
      const options = { engine: engine.client(), signal: controller.signal };
      assertStrictEquals(await assertRejects(() => writeToDaemon(imageOf([layer]), NAME, options)), reason);
    });
  });
});
