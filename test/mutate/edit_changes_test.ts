import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { emptyImage, type Image, validateImage } from "../../src/image/mod.ts";
import { annotateBase, changeImage, editImage, type ImageChanges } from "../../src/mutate/mod.ts";
import type { RunConfig } from "../../src/spec/mod.ts";
import type { Json } from "../make/memory_source.ts";
import { baseImage, OCI, rewrittenDigest, sentConfig, sentManifest } from "./edit_bases.ts";

const SUBJECT = { mediaType: OCI, digest: `sha256:${"a".repeat(64)}`, size: 7 } as const;

/** An image with this run config. */
async function running(config: RunConfig, more: Json = {}): Promise<Image> {
  return (await baseImage({ config: (json) => Object.assign(json, { config, ...more }) })).base;
}

async function runConfigOf(image: Image): Promise<RunConfig | undefined> {
  return (await sentConfig(image)).config;
}

describe("changeImage sets and takes away", () => {
  const cases: [ImageChanges, where: string, value: unknown][] = [
    [{ labels: { a: "1" } }, "config.config.Labels", { a: "1" }],
    [{ env: { A: "1" } }, "config.config.Env", ["A=1"]],
    [{ entrypoint: ["/bin/a", "b"] }, "config.config.Entrypoint", ["/bin/a", "b"]],
    [{ cmd: ["c"] }, "config.config.Cmd", ["c"]],
    [{ user: "1000:1000" }, "config.config.User", "1000:1000"],
    [{ workdir: "/srv" }, "config.config.WorkingDir", "/srv"],
    [{ stopSignal: "SIGINT" }, "config.config.StopSignal", "SIGINT"],
    [{ exposedPorts: ["80/tcp"] }, "config.config.ExposedPorts", { "80/tcp": {} }],
    [{ volumes: ["/data"] }, "config.config.Volumes", { "/data": {} }],
    [{ created: "2024-02-03T04:05:06.789012345+01:00" }, "config.created", "2024-02-03T04:05:06.789012345+01:00"],
    [{ created: new Date(1234567890000) }, "config.created", "2009-02-13T23:31:30Z"],
    [{ created: new Date(1234567890120) }, "config.created", "2009-02-13T23:31:30.12Z"],
    [{ author: "me" }, "config.author", "me"],
    [{ variant: "v3" }, "config.variant", "v3"],
    [{ annotations: { a: "1" } }, "manifest.annotations", { a: "1" }],
    [{ subject: SUBJECT }, "manifest.subject", SUBJECT],
    [{ artifactType: "application/x-a" }, "manifest.artifactType", "application/x-a"],
  ];
  for (const [changes, where, value] of cases) {
    const [name] = Object.keys(changes);
    it(`${name}: ${JSON.stringify(value)}`, async () => {
      const { source, base } = await baseImage({ config: (json) => json.config = { Cmd: null, OnBuild: ["x"] } });
      const image = changeImage(base, changes);
      assertEquals(await at(image, where), value);
      await validateImage(image);
      const layers = (await base.manifest()).layers.map(({ digest }) => digest);
      assertEquals(layers.map((digest) => source.opened.filter((opened) => opened === digest).length), [1, 1]);
      // Nothing else has changed: without it, all is as it was. But Docker's null for "no command" is not kept.
      const gone = changeImage(image, { [name]: null });
      if (name === "cmd" || name === "entrypoint") assertEquals(await at(gone, where), undefined);
      else assertEquals(await gone.digest(), await rewrittenDigest(base, where.startsWith("config.")));
      const again = changeImage(image, changes);
      assertEquals(await again.digest(), await image.digest());
    });
  }

  async function at(image: Image, where: string): Promise<unknown> {
    const whole: Json = { config: await sentConfig(image), manifest: await sentManifest(image) };
    return where.split(".").reduce((value, name) => value?.[name], whole);
  }

  it("what is not there, without effect", async () => {
    const { base } = await baseImage({ config: (json) => json.config = { Labels: {}, Env: null } });
    const nothing = changeImage(base, {
      labels: { a: null },
      env: { A: null },
      entrypoint: null,
      user: null,
      exposedPorts: { "80/tcp": false },
      annotations: { a: null },
      subject: null,
      created: null,
      variant: null,
    });
    assertEquals(await nothing.digest(), await base.digest());
  });

  it("nothing, and gives the base itself, where nothing is said", async () => {
    const { base } = await baseImage();
    assertStrictEquals(changeImage(base, {}), base);
    assertStrictEquals(changeImage(base, { labels: undefined, created: undefined, mediaType: undefined }), base);
  });
});

describe("changeImage", () => {
  it("changes labels and annotations name by name, each in its place", async () => {
    const labels = { a: "1", b: "2", c: "3" };
    const { base } = await baseImage({
      config: (json) => json.config = { Labels: labels },
      manifest: (json) => json.annotations = labels,
    });
    const changes = { b: "new", a: null, d: "4" };
    const image = changeImage(base, { labels: changes, annotations: changes });
    const expected = [["b", "new"], ["c", "3"], ["d", "4"]];
    assertEquals(Object.entries((await runConfigOf(image))!.Labels!), expected);
    assertEquals(Object.entries((await sentManifest(image)).annotations!), expected);
    const none = changeImage(image, { labels: null, annotations: null });
    assertEquals(await runConfigOf(none), {});
    assertEquals((await sentManifest(none)).annotations, undefined);
  });

  it("changes variables in their places, and adds others at the end", async () => {
    const base = await running({ Env: ["PATH=/bin", "A=1=2", "ODD", "A=3"] });
    const cases: [ImageChanges["env"], readonly string[] | undefined][] = [
      [{ PATH: "/usr/bin", B: "", C: "x=y" }, ["PATH=/usr/bin", "A=1=2", "ODD", "A=3", "B=", "C=x=y"]],
      [{ A: "new" }, ["PATH=/bin", "A=new", "ODD", "A=new"]],
      [{ A: null, path: "p" }, ["PATH=/bin", "ODD", "path=p"]],
      [{ ODD: "even" }, ["PATH=/bin", "A=1=2", "ODD=even", "A=3"]],
      [{ PATH: null, A: null, ODD: null }, undefined],
      [null, undefined],
    ];
    for (const [env, expected] of cases) {
      assertEquals((await runConfigOf(changeImage(base, { env })))?.Env, expected);
    }
  });

  it("takes no notice of case in the variables of Windows", async () => {
    const base = await running({ Env: ["Path=c:\\a", "TMP=c:\\b"] }, { os: "windows" });
    const image = changeImage(base, { env: { PATH: "c:\\c", tmp: null, added: "1" } });
    assertEquals((await runConfigOf(image))?.Env, ["Path=c:\\c", "ADDED=1"]);
  });

  it("refuses names that no variable can have", async () => {
    for (const name of ["", "A=B"]) {
      const image = changeImage(emptyImage(), { env: { [name]: "1" } });
      await assertRejects(() => image.digest(), TypeError, JSON.stringify(name));
    }
  });

  it("takes the arguments away with the entrypoint that they were for, as Docker does", async () => {
    const base = await running({ Entrypoint: ["/a"], Cmd: ["1"] });
    const cases: [ImageChanges, RunConfig][] = [
      [{ entrypoint: ["/b"] }, { Entrypoint: ["/b"] }],
      [{ entrypoint: ["/b"], cmd: ["2"] }, { Entrypoint: ["/b"], Cmd: ["2"] }],
      [{ cmd: ["2"] }, { Entrypoint: ["/a"], Cmd: ["2"] }],
      [{ entrypoint: null }, { Cmd: ["1"] }],
    ];
    for (const [changes, expected] of cases) assertEquals(await runConfigOf(changeImage(base, changes)), expected);
  });

  it("takes ports and volumes as a whole list, or one by one", async () => {
    const set = { "80/tcp": {}, "443/tcp": {} };
    const base = await running({ ExposedPorts: set, Volumes: set });
    const cases: [ImageChanges["volumes"], string[] | undefined][] = [
      [["53/udp", "443/tcp"], ["443/tcp", "53/udp"]],
      [{ "53/udp": true, "80/tcp": false }, ["443/tcp", "53/udp"]],
      [{ "80/tcp": true }, ["80/tcp", "443/tcp"]],
      [[], undefined],
      [{ "80/tcp": false, "443/tcp": false }, undefined],
    ];
    for (const [value, expected] of cases) {
      const config = await runConfigOf(changeImage(base, { exposedPorts: value, volumes: value }));
      assertEquals(config?.ExposedPorts && Object.keys(config.ExposedPorts), expected);
      assertEquals(config?.Volumes, config?.ExposedPorts);
    }
    const same = changeImage(base, { exposedPorts: ["443/tcp", "80/tcp"], volumes: { "80/tcp": true } });
    assertEquals(await same.digest(), await base.digest());
  });

  it("sets the platform as a whole, or the variant alone", async () => {
    const platform = { os: "windows", architecture: "arm64", "os.version": "10.0", "os.features": ["win32k"] };
    const { base } = await baseImage({ platform: { ...platform, variant: "v8" } });
    const fields = ["os", "architecture", "os.version", "os.features", "variant"];
    const platformOf = async (changes: ImageChanges) => {
      const config = await sentConfig(changeImage(base, changes));
      return Object.fromEntries(fields.filter((name) => name in config).map((name) => [name, config[name]])) as Json;
    };
    const linux = { os: "linux", architecture: "arm" };
    assertEquals(await platformOf({ platform: linux }), linux);
    assertEquals(await platformOf({ platform: { ...linux, variant: "v6" } }), { ...linux, variant: "v6" });
    assertEquals(await platformOf({ platform: linux, variant: "v7" }), { ...linux, variant: "v7" });
    assertEquals(await platformOf({ platform: null }), { os: "", architecture: "" });
    assertEquals(await platformOf({ variant: null }), platform);
    assertEquals(await platformOf({ variant: "v9" }), { ...platform, variant: "v9" });
  });

  it("replaces the whole config or run config, and puts other changes on top", async () => {
    const base = await running({ User: "old", Cmd: ["old"] }, { author: "old" });
    const { rootfs } = await base.configFile();
    const file = { os: "plan9", architecture: "mips", rootfs, config: { User: "file" } };
    const [one, two, three, four] = [
      changeImage(base, { configFile: file }),
      changeImage(base, { configFile: file, author: "new", user: "new" }),
      changeImage(base, { config: { Cmd: ["new"] }, labels: { a: "1" } }),
      changeImage(base, { config: null }),
    ];
    assertEquals(await sentConfig(one) as Json, file);
    assertEquals(await sentConfig(two) as Json, { ...file, author: "new", config: { User: "new" } });
    assertEquals(await runConfigOf(three), { Cmd: ["new"], Labels: { a: "1" } });
    assertEquals(await runConfigOf(four), {});
    assertEquals((await sentConfig(four)).author, "old");
  });

  it("refuses times that are none", () => {
    for (const created of ["now", "2024-02-03", "2024-02-03T04:05:06", "2024-13-03T04:05:06Z", new Date(Number.NaN)]) {
      assertThrows(() => changeImage(emptyImage(), { created }), TypeError);
    }
  });

  it("composes: at once and in turn are the same", async () => {
    const base = await running({ Env: ["A=1"], Labels: { a: "1" } });
    const steps: ImageChanges[] = [
      { labels: { a: null, b: "2" } },
      { env: { A: null, B: "2" }, annotations: { x: "y" } },
      { entrypoint: ["/a"] },
      { created: new Date(0), platform: { os: "linux", architecture: "arm64" } },
    ];
    const inTurn = steps.reduce((image, changes) => changeImage(image, changes), base);
    const atOnce = changeImage(base, Object.assign({}, ...steps));
    assertEquals(await inTurn.digest(), await atOnce.digest());
    assertNotEquals(await inTurn.digest(), await base.digest());
    await validateImage(inTurn);
  });
});

describe("annotateBase", () => {
  it("takes away the name of another base", async () => {
    const { base } = await baseImage();
    const digest = await base.digest();
    const named = annotateBase(base, { name: "example.com/base:1", digest });
    const unnamed = annotateBase(named, { digest: SUBJECT.digest });
    assertEquals((await sentManifest(unnamed)).annotations, {
      "org.opencontainers.image.base.digest": SUBJECT.digest,
    });
    assert((await sentManifest(named)).annotations?.["org.opencontainers.image.base.name"]);
  });
});

describe("editImage of an edited image", () => {
  it("is the same as one edit that does both", async () => {
    const { base } = await baseImage();
    const first = changeImage(base, { labels: { a: "1" }, annotations: { a: "1" } });
    const inTurn = editImage(first, { layers: (layers) => layers.toReversed() });
    const atOnce = editImage(base, {
      layers: (layers) => layers.toReversed(),
      configFile: (config) => ({ ...config, config: { ...config.config, Labels: { a: "1" } } }),
      manifest: (extras) => ({ ...extras, annotations: { a: "1" } }),
    });
    assertEquals(await inTurn.digest(), await atOnce.digest());
    await validateImage(inTurn);
  });
});
