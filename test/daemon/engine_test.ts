import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { symlinkSync } from "node:fs";
import { DaemonError, NameError, NotFoundError, UnsupportedError, UsageError } from "../../src/errors.ts";
import type { ImageInspection } from "../../src/daemon/mod.ts";
import { collect } from "../make/streams.ts";
import { inFolder } from "../make/folders.ts";
import { pong, withEngine } from "../fakes/fake_engine.ts";

const hex = (digit: string) => digit.repeat(64);
const id = `sha256:${hex("1")}` as const;
const diffId = `sha256:${hex("2")}` as const;
const inspected = { Id: id, Os: "linux", Architecture: "arm64", RootFS: { Type: "layers", Layers: [diffId] } };

describe("DockerEngine.ping", () => {
  it("says what the engine is and which API is spoken", async () => {
    await withEngine({}, async (engine) => {
      const client = engine.client();
      assertEquals(await client.ping(), { apiVersion: "1.41", server: "Fake/1 (linux)" });
      assertEquals(client.address, engine.host);
    });
  });

  it("is sent once, by whatever comes first", async () => {
    await withEngine({ "GET /images/a/json": { body: inspected } }, async (engine) => {
      const client = engine.client();
      await Promise.all([client.inspect("a"), client.inspect("a"), client.ping()]);
      assertEquals(engine.seen.map(({ line }) => line), ["GET /_ping", ...Array(2).fill("GET /v1.41/images/a/json")]);
    });
  });

  it("settles on the newest API that both know", async () => {
    for (
      const [theirs, spoken] of [["1.24", "1.24"], ["1.43", "1.43"], ["1.52", "1.52"], ["1.99", "1.52"], [
        "2.0",
        "1.52",
      ]]
    ) {
      await withEngine({ "GET /_ping": pong(theirs) }, async (engine) => {
        assertEquals((await engine.client().ping()).apiVersion, spoken as "1.1");
      });
    }
    await withEngine({ "GET /_ping": pong("1.9") }, async (engine) => {
      await assertRejects(() => engine.client().ping(), UnsupportedError, "1.9");
    });
  });

  it("takes an engine that does not say its API for an old one", async () => {
    await withEngine({ "GET /_ping": { body: "OK" }, "GET /images/a/json": { body: inspected } }, async (engine) => {
      await engine.client().inspect("a");
      assertEquals(engine.lines(), ["GET /v1.24/images/a/json"]);
    });
  });

  it("tells an engine from something else", async () => {
    for (const reply of [{ body: "<html>" }, { headers: { "api-version": "new" }, body: "OK" }, { status: 404 }]) {
      await withEngine({ "GET /_ping": reply }, async (engine) => {
        const { message } = await assertRejects(() => engine.client().ping(), Error);
        assertEquals(message.includes(engine.host), true, message);
      });
    }
  });

  it("is not needed where the version is chosen", async () => {
    await withEngine({ "GET /images/a/json": { body: inspected } }, async (engine) => {
      await engine.client({ apiVersion: "v1.30" }).inspect("a");
      const environment = (name: string) => name === "DOCKER_API_VERSION" ? "1.31" : undefined;
      await engine.client({ environment }).inspect("a");
      assertEquals(engine.seen.map(({ line }) => line), ["GET /v1.30/images/a/json", "GET /v1.31/images/a/json"]);
      assertEquals((await engine.client({ apiVersion: "1.30" }).ping()).apiVersion, "1.30");
      for (const apiVersion of ["new", "1", "1.x", "../x"]) {
        assertThrows(() => engine.client({ apiVersion }), UsageError, JSON.stringify(apiVersion));
      }
    });
  });
});

describe("DockerEngine.inspect", () => {
  const inspect = async (reply: Record<string, unknown>): Promise<ImageInspection> => {
    let found: ImageInspection | undefined;
    await withEngine({ "GET /images/a/json": { body: reply } }, async (engine) => {
      found = await engine.client().inspect("a");
    });
    return found!;
  };

  it("gives what the engine says", async () => {
    const reply = {
      ...inspected,
      RepoTags: ["a:latest"],
      RepoDigests: [`a@sha256:${hex("3")}`],
      Created: "2024-01-02T03:04:05.678Z",
      Author: "me",
      Variant: "v8",
      OsVersion: "",
      Config: { Env: ["A=b"] },
      Size: 12,
    };
    assertEquals(await inspect(reply), {
      id,
      configName: id,
      multiPlatform: false,
      repoTags: ["a:latest"],
      repoDigests: [`a@sha256:${hex("3")}`],
      created: "2024-01-02T03:04:05.678Z",
      author: "me",
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
      config: { Env: ["A=b"] },
      diffIds: [diffId],
      size: 12,
      raw: reply,
    });
  });

  it("does without what is left out", async () => {
    const { raw: _, ...found } = await inspect({ Id: hex("1"), RepoTags: null, Config: null, RootFS: null });
    assertEquals(found, {
      id,
      configName: id,
      multiPlatform: false,
      repoTags: [],
      repoDigests: [],
      created: undefined,
      author: undefined,
      platform: { os: "", architecture: "" },
      config: {},
      diffIds: [],
      size: 0,
    });
  });

  it("knows an id that is no config's", async () => {
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const index = await inspect({ ...inspected, Descriptor: { mediaType, digest: id, size: 1 } });
    assertEquals([index.configName, index.multiPlatform], [undefined, true]);
    const manifest = await inspect({
      ...inspected,
      Descriptor: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: id, size: 1 },
    });
    assertEquals([manifest.configName, manifest.multiPlatform], [undefined, false]);
    assertEquals((await inspect({ ...inspected, RepoDigests: [`a@${id}`] })).configName, undefined);
  });

  it("refuses an answer that is none", async () => {
    for (
      const reply of [{}, { Id: "x" }, { Id: 1 }, { ...inspected, RootFS: { Layers: ["sha256:1"] } }]
    ) await assertRejects(() => inspect(reply), DaemonError, "about a");
    for (const body of ["", "[]", "null", "{"]) {
      await withEngine({ "GET /images/a/json": { body } }, async (engine) => {
        await assertRejects(() => engine.client().inspect("a"), DaemonError, "about a");
      });
    }
  });

  it("asks for a platform where the engine knows them", async () => {
    const platform = { os: "linux", architecture: "arm", variant: "v7" };
    for (
      const [version, query] of [["1.48", ""], ["1.49", `?platform=${encodeURIComponent(JSON.stringify(platform))}`]]
    ) {
      await withEngine({ "GET /_ping": pong(version), "GET /images/a/json": { body: inspected } }, async (engine) => {
        await engine.client().inspect("a", { platform });
        assertEquals(engine.lines(), [`GET /v${version}/images/a/json${query}`]);
      });
    }
  });
});

describe("names", () => {
  it("are sent as they are", async () => {
    const names = ["a", "a:v1", `a@${id}`, id, "deadbeef", "localhost:5000/a/b__c-d.e:V1", "[::1]:5000/a"];
    await withEngine({}, async (engine) => {
      for (const name of names) await assertRejects(() => engine.client().inspect(name), NotFoundError);
      const paths = names.map((name) => name.replace("[", "%5B").replace("]", "%5D"));
      assertEquals(engine.lines(), paths.map((path) => `GET /v1.41/images/${path}/json`));
    });
  });

  it("can't make another request of theirs", async () => {
    await withEngine({}, async (engine) => {
      const client = engine.client();
      for (
        const name of [
          "",
          ".",
          "..",
          "../containers",
          "a/../../b",
          "a//b",
          "/a",
          "a/",
          "a?b",
          "a#b",
          "a b",
          "a%2e",
          "é",
          "a\n",
        ]
      ) {
        await assertRejects(() => client.inspect(name), NameError, JSON.stringify(name));
        await assertRejects(() => client.history(name), NameError);
        await assertRejects(() => client.save(["a", name]), NameError);
        await assertRejects(() => client.tag(name, "a"), NameError);
      }
      assertEquals(engine.lines(), []);
    });
  });
});

describe("DockerEngine.history", () => {
  it("gives the steps, the last one first", async () => {
    const steps = [
      { Id: id, Created: 1704164645, CreatedBy: "CMD x", Tags: ["a:v1"], Size: 0, Comment: "buildkit" },
      { Id: "<missing>", Created: -62135596800, CreatedBy: "", Tags: null, Size: 3 },
      { Created: 0 },
    ];
    await withEngine({ "GET /images/a/history": { body: steps } }, async (engine) => {
      assertEquals(await engine.client().history("a"), [
        { created: "2024-01-02T03:04:05Z", createdBy: "CMD x", comment: "buildkit", size: 0, tags: ["a:v1"] },
        { created: undefined, createdBy: "", comment: "", size: 3, tags: [] },
        { created: "1970-01-01T00:00:00Z", createdBy: "", comment: "", size: 0, tags: [] },
      ]);
    });
  });

  it("refuses an answer that is none", async () => {
    for (const body of [{}, [1], "x"]) {
      await withEngine({ "GET /images/a/history": { body } }, async (engine) => {
        await assertRejects(() => engine.client().history("a"), DaemonError, "the history of a");
      });
    }
  });
});

describe("DockerEngine.tag", () => {
  it("takes a new name apart", async () => {
    await withEngine({ [`POST /images/a/tag`]: { status: 201 } }, async (engine) => {
      for (const name of ["b", "b:v1", "localhost:5000/b", "localhost:5000/b/c:v1"]) {
        await engine.client().tag("a", name);
      }
      assertEquals(engine.lines().map((line) => decodeURIComponent(line.split("?")[1])), [
        "repo=b&tag=latest",
        "repo=b&tag=v1",
        "repo=localhost:5000/b&tag=latest",
        "repo=localhost:5000/b/c&tag=v1",
      ]);
    });
  });

  it("refuses a new name that is none, or has a digest", async () => {
    await withEngine({}, async (engine) => {
      for (const name of ["", "B", "b c", `b@${id}`]) {
        await assertRejects(() => engine.client().tag("a", name), NameError);
      }
      assertEquals(engine.lines(), []);
    });
  });
});

describe("a socket with a path that a URL could not hold", () => {
  it("is connected to all the same", async () => {
    await withEngine({}, async (engine) => {
      await inFolder(async (folder) => {
        const path = `${folder}/a b%20ü?#.sock`;
        symlinkSync(engine.host.slice("unix://".length), path);
        assertEquals((await engine.client({ host: `unix://${path}` }).ping()).apiVersion, "1.41");
      });
    });
  });
});

describe("DockerEngine.save", () => {
  it("gives the bytes that the engine sends", async () => {
    await withEngine({ "GET /images/get": { body: new Uint8Array(2048) } }, async (engine) => {
      const client = engine.client();
      assertEquals((await collect(await client.save("a:v1"))).length, 2048);
      await (await client.save(["a", `b@${id}`])).cancel();
      assertEquals(engine.lines().map(decodeURIComponent), [
        "GET /v1.41/images/get?names=a:v1",
        `GET /v1.41/images/get?names=a&names=b@${id}`,
      ]);
      await assertRejects(() => client.save([]), TypeError);
    });
  });
});
