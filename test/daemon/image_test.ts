import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import type { ServerResponse } from "node:http";
import { imageFromDaemon } from "../../src/daemon/mod.ts";
import { DigestMismatchError, FileError, NotFoundError, TarballError } from "../../src/errors.ts";
import { validateImage } from "../../src/image/mod.ts";
import { temporariesInUse } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { writeTarball } from "../../src/tarball/mod.ts";
import { type EngineAnswers, type EngineReply, type FakeEngine, pong, withEngine } from "../fakes/fake_engine.ts";
import { collect } from "../make/streams.ts";
import { imageOf, testLayer, textImage } from "../make/images.ts";
import { leavingNothing, onFullDisk } from "../make/folders.ts";
import { holding, inspectionOf, NAME, withConfig } from "../make/engine_images.ts";

const isSave = (line: string) => line.includes("/images/get?");
const saves = (engine: FakeEngine) => engine.lines().filter(isSave).length;

describe("imageFromDaemon", () => {
  it("asks whether the image is there, and saves nothing for what the engine knows", async () => {
    const image = await textImage("one", "two");
    await withEngine(await holding(image), async (engine) => {
      const found = await imageFromDaemon(NAME, { engine: engine.client() });
      const id = await image.configName();
      assertEquals(await found.configName(), id);
      assertEquals(found.inspection.diffIds, (await image.configFile()).rootfs.diff_ids);
      assertEquals((await found.history())[0].createdBy, "a step");
      assertEquals(await found.mediaType(), MediaType.DockerManifestSchema2);
      assertEquals(engine.lines(), [`GET /v1.41/images/${NAME}/json`, `GET /v1.41/images/${id}/history`]);
      await found.dispose();
      await assertRejects(() => imageFromDaemon("example.com/b", { engine: engine.client() }), NotFoundError, "b");
    });
  });

  it("saves once, by id, whatever is read and however often", async () => {
    const image = await textImage("one", "two", "three");
    await leavingNothing(async () => {
      await withEngine(await holding(image), async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client() });
        const [layers] = await Promise.all([found.layers(), found.rawConfigFile(), found.layers()]);
        await Promise.all(layers.map(async (layer) => await collect(await layer.uncompressed())));
        await validateImage(found);
        assertEquals(await found.rawConfigFile(), await image.rawConfigFile());
        for (const [index, layer] of (await image.layers()).entries()) {
          assertEquals(await collect(await layers[index].uncompressed()), await collect(await layer.uncompressed()));
        }
        const names = encodeURIComponent(await image.configName());
        assertEquals(engine.lines().filter(isSave), [`GET /v1.41/images/get?names=${names}`]);
        assertEquals(temporariesInUse().length, 1);
        await found.dispose();
        await found.dispose();
      });
    });
  });

  it("asks again after a save that failed, and leaves nothing of it", async () => {
    const image = await textImage("one");
    const answers = await holding(image);
    const whole = answers["GET /images/get"] as EngineReply;
    let tries = 0;
    const get = (_: unknown, response: ServerResponse): EngineReply | void => {
      switch (++tries) {
        case 1:
          return { status: 500, body: { message: "out of order" } };
        case 2:
          return { body: '{"errorDetail":{"message":"gone"}}\r\n' };
        case 3:
          return void response.writeHead(200).write(new Uint8Array(1000), () => response.destroy());
        default:
          return whole;
      }
    };
    await leavingNothing(async () => {
      await withEngine({ ...answers, "GET /images/get": get }, async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client() });
        for (const words of ["out of order", "gone", "stops in the middle"]) {
          await assertRejects(() => found.layers(), Error, words);
          assertEquals(temporariesInUse(), []);
        }
        await validateImage(found);
        assertEquals(tries, 4);
        await found.dispose();
      });
    });
  });

  it("fails where there is no room for it, and leaves nothing", async () => {
    const image = imageOf([await testLayer(new Uint8Array(1_000_000), { compression: "none" })]);
    await leavingNothing(async () => {
      await withEngine(await holding(image), async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client() });
        const error = await onFullDisk(
          100_000,
          () => assertRejects(() => found.layers(), FileError, "can't keep an image"),
        );
        assertEquals([error.errno, error.hint], ["ENOSPC", "set TMPDIR to a directory with enough space"]);
        assertEquals(temporariesInUse(), []);
        await found.dispose();
      });
    });
  });

  it("ends a save when it is disposed of, and reads no more", async () => {
    const image = await textImage("one");
    const saving = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const endless = (_: unknown, response: ServerResponse) => {
      response.on("close", () => closed.resolve());
      response.writeHead(200).write(new Uint8Array(1000), () => saving.resolve());
    };
    await leavingNothing(async () => {
      await withEngine({ ...await holding(image), "GET /images/get": endless }, async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client() });
        const layers = found.layers();
        const failed = assertRejects(() => layers, TypeError, "was disposed of");
        await saving.promise;
        await found[Symbol.asyncDispose]();
        await failed;
        await closed.promise;
        await assertRejects(() => found.layers(), TypeError, "was disposed of");
      });
      await withEngine(await holding(image), async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client() });
        const [layer] = await found.layers();
        await found.dispose();
        await assertRejects(async () => await collect(await layer.uncompressed()), TypeError, "was disposed of");
        assertEquals(saves(engine), 1);
      });
    });
  });

  it("lets a signal end a wait, and not the save for others", async () => {
    const image = await textImage("one");
    const saving = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const answers = await holding(image);
    const slow = async () => {
      saving.resolve();
      await goOn.promise;
      return answers["GET /images/get"] as EngineReply;
    };
    await withEngine({ ...answers, "GET /images/get": slow }, async (engine) => {
      const found = await imageFromDaemon(NAME, { engine: engine.client() });
      const controller = new AbortController();
      const impatient = found.rawConfigFile({ signal: controller.signal });
      const patient = found.rawConfigFile();
      await saving.promise;
      const reason = new Error("enough");
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => impatient), reason);
      goOn.resolve();
      assertEquals(await patient, await image.rawConfigFile());
      assertEquals(saves(engine), 1);
      await found.dispose();
    });
  });

  it("does not take another image for the one that was found", async () => {
    const [one, two] = [await textImage("one"), await textImage("two")];
    const other = (await holding(two))["GET /images/get"];
    await withEngine({ ...await holding(one), "GET /images/get": other }, async (engine) => {
      const found = await imageFromDaemon(NAME, { engine: engine.client() });
      await assertRejects(() => found.layers(), DigestMismatchError, await one.configName());
      await found.dispose();
    });
  });

  it("says what is wrong with what was saved, and where it is from", async () => {
    const answers = await holding(await textImage("one"));
    await withEngine({ ...answers, "GET /images/get": { body: new Uint8Array(1024) } }, async (engine) => {
      const found = await imageFromDaemon(NAME, { engine: engine.client() });
      const error = await assertRejects(() => found.layers(), TarballError, "has no manifest.json");
      assertStringIncludes(error.message, `what ${engine.host} saves of ${NAME}`);
      await found.dispose();
    });
  });

  describe("from an engine that keeps images by platform", () => {
    const digest = `sha256:${"1".repeat(64)}`;
    const descriptor = { mediaType: MediaType.OciImageIndex, digest, size: 1 };
    const arm = { architecture: "arm64", os: "linux" };

    it("is the one for the platform, of all that were saved", async () => {
      const [ours, theirs] = [await textImage("ours"), await textImage("theirs")];
      const ofArm = withConfig(ours, { architecture: "arm64" });
      const both = await collect(writeTarball([{ image: theirs }, { image: ofArm }]));
      const answers: EngineAnswers = {
        "GET /_ping": pong("1.49"),
        [`GET /images/${NAME}/json`]: { body: await inspectionOf(ofArm, { Id: digest, Descriptor: descriptor }) },
        "GET /images/get": { body: both },
      };
      await withEngine(answers, async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client(), platform: arm });
        // The id is that of the index: only the saved tarball contains the config's.
        assertEquals(await found.configName(), await ofArm.configName());
        const query = `platform=${encodeURIComponent(JSON.stringify(arm))}`;
        assertEquals(engine.lines(), [
          `GET /v1.49/images/${NAME}/json?${query}`,
          `GET /v1.49/images/get?names=${encodeURIComponent(digest)}&${query}`,
        ]);
        await validateImage(found);
        await found.dispose();
      });
    });

    it("is an error where none is saved for the platform", async () => {
      const [one, two] = [await textImage("one"), await textImage("two")];
      const answers: EngineAnswers = {
        [`GET /images/${NAME}/json`]: {
          body: await inspectionOf(withConfig(one, { architecture: "arm64" }), { Id: digest, Descriptor: descriptor }),
        },
        "GET /images/get": { body: await collect(writeTarball([{ image: one }, { image: two }])) },
      };
      await withEngine(answers, async (engine) => {
        const found = await imageFromDaemon(NAME, { engine: engine.client() });
        await assertRejects(() => found.layers(), NotFoundError, "linux/arm64");
        await found.dispose();
      });
    });
  });

  it("is not found where the engine has it for another platform alone", async () => {
    const image = await textImage("one");
    await withEngine(await holding(image), async (engine) => {
      const wanted = { os: "linux", architecture: "s390x" };
      await assertRejects(
        () => imageFromDaemon(NAME, { engine: engine.client(), platform: wanted }),
        NotFoundError,
        `has ${NAME} for linux/amd64, not for linux/s390x`,
      );
      const platform = { os: "linux", architecture: "amd64" };
      await (await imageFromDaemon(NAME, { engine: engine.client(), platform })).dispose();
      assertEquals(saves(engine), 0);
    });
  });
});
