import { assertEquals, assertMatch } from "@std/assert";
import { toBytes } from "@std/streams/to-bytes";
import { describe, it } from "node:test";
import { randomImage, randomIndex } from "../../../src/image/mod.ts";
import { DEFAULT_PLATFORM_NOTE, inWorld } from "../../make/command_world.ts";

const app = "registry.example.com/team/app:v1";
const [amd64, arm64] = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
const index = randomIndex({ seed: 1, platforms: [amd64, arm64] });
const image = randomImage({ seed: 2 });

describe("gcrane digest", () => {
  it("prints the digest alone", () =>
    inWorld(async (world) => {
      const digest = await world.push(image, app);
      assertEquals(await world.data(`digest ${app}`), `${digest}\n`);
      assertEquals(await world.data(`digest registry.example.com/team/app@${digest}`), `${digest}\n`);
    }));

  it("--full-ref prints the repository in front", () =>
    inWorld(async (world) => {
      const digest = await world.push(image, app);
      assertEquals(await world.data(`digest --full-ref ${app}`), `registry.example.com/team/app@${digest}\n`);
      const hub = await world.push(image, "ubuntu:v1");
      assertEquals(await world.data("digest --full-ref ubuntu:v1"), `index.docker.io/library/ubuntu@${hub}\n`);
    }));

  it("prints an index's own, and with --platform that of its image", () =>
    inWorld(async (world) => {
      const digest = await world.push(index, app);
      const [, child] = await index.children();
      assertEquals(await world.data(`digest ${app}`), `${digest}\n`);
      assertEquals(await world.data(`digest --platform all ${app}`), `${digest}\n`);
      assertEquals(await world.data(`digest --platform linux/arm64 ${app}`), `${child.descriptor.digest}\n`);
    }));

  it("asks for the headers alone", () =>
    inWorld(async (world) => {
      await world.push(image, app);
      world.requests.length = 0;
      await world.data(`digest ${app}`);
      assertEquals(world.requests, ["GET /v2/", "HEAD /v2/team/app/manifests/v1"]);
    }));

  it("fails for a platform that the index does not have, and names those it has", () =>
    inWorld(async (world) => {
      await world.push(index, app);
      const { code, out, err } = await world.gcrane(`digest --platform windows/amd64 ${app}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /^Error: .*windows\/amd64.*linux\/amd64.*linux\/arm64.*\n$/);
    }));

  it("takes no nonsense for a platform", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane(`digest --platform a/b/c/d ${app}`);
      assertEquals([code, out], [2, ""]);
      assertMatch(err, /^Error: --platform a\/b\/c\/d: .* — for example linux\/arm64\nUsage: gcrane digest/);
    }));
});

describe("gcrane manifest", () => {
  it("prints the bytes as the registry has them", () =>
    inWorld(async (world) => {
      await world.push(image, app);
      const { code, err, io } = await world.gcrane(`manifest ${app}`);
      assertEquals([code, err], [0, ""]);
      assertEquals(io.outBytes, await image.rawManifest());
    }));

  it("prints an index itself, and with --platform its image", () =>
    inWorld(async (world) => {
      await world.push(index, app);
      assertEquals((await world.gcrane(`manifest ${app}`)).io.outBytes, await index.rawManifest());
      const [, child] = await index.children();
      const arm = await world.gcrane(`manifest ${app} --platform=linux/arm64`);
      assertEquals(child.view.kind === "image" && arm.io.outBytes, await (child.view as typeof image).rawManifest());
    }));
});

describe("gcrane config", () => {
  it("prints the bytes as the registry has them", () =>
    inWorld(async (world) => {
      await world.push(image, app);
      const { code, err, io } = await world.gcrane(`config ${app}`);
      assertEquals([code, err], [0, ""]);
      assertEquals(io.outBytes, await image.rawConfigFile());
    }));

  it("prints that of linux/amd64 for an index, unless told otherwise", () =>
    inWorld(async (world) => {
      await world.push(index, app);
      const { out, err } = await world.gcrane(`config ${app}`);
      assertEquals([JSON.parse(out).architecture, err], ["amd64", DEFAULT_PLATFORM_NOTE]);
      assertEquals(JSON.parse(await world.data(`config --platform linux/arm64 ${app}`)).architecture, "arm64");
    }));
});

describe("gcrane blob", () => {
  it("prints the bytes", () =>
    inWorld(async (world) => {
      await world.push(image, app);
      const [layer] = await image.layers();
      const { code, err, io } = await world.gcrane(`blob registry.example.com/team/app@${await layer.digest()}`);
      assertEquals([code, err], [0, ""]);
      assertEquals(io.outBytes, await toBytes(await layer.compressed()));
    }));

  it("takes no tag", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane(`blob ${app}`);
      assertEquals([code, out], [2, ""]);
      assertEquals(
        err,
        `Error: ${app} names no blob: a blob has a digest — write repository@sha256:…\nUsage: gcrane blob [flags] BLOB\n`,
      );
    }));

  it("that is not there is an error", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane(`blob registry.example.com/team/app@sha256:${"0".repeat(64)}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /^Error: .*\/v2\/team\/app\/blobs\/sha256:0{64}: 404 .*\n$/);
    }));
});

describe("a reference", () => {
  const commands = ["digest", "manifest", "config", "export", "delete", "validate --remote"];
  for (const command of [...commands, "blob"]) {
    it(`that can't be parsed fails before anything is asked: ${command}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(`${command} registry.example.com/App:v1`);
        assertEquals([code, world.requests], [1, []]);
        assertMatch(out + err, /^(Error|FAIL: \S+): can't parse "registry\.example\.com\/App:v1": .*\n$/);
      }));
  }
  for (const command of commands) {
    it(`to nothing fails and names it: ${command}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(`${command} ${app}`);
        assertEquals(code, 1);
        assertMatch(out + err, /^(Error|FAIL: \S+): .*\/v2\/team\/app\/manifests\/v1: 404 .*UNKNOWN.* — .*\n$/);
      }));
  }
});

describe("bytes without a newline at the end", () => {
  for (const verb of ["config", "manifest", "blob"]) {
    it(`get one on a terminal, and nowhere else: ${verb}`, () =>
      inWorld(async (world) => {
        await world.push(image, app);
        const blob = app.replace(":v1", `@${await image.configName()}`);
        const line = `${verb} ${verb === "blob" ? blob : app}`;
        const piped = (await world.gcrane(line)).out;
        assertEquals(piped.at(-1), "}");
        const shown = await world.gcrane(line, { terminal: { columns: 80, rows: 9 } });
        assertEquals([shown.code, shown.out], [0, `${piped}\n`]);
      }));
  }
});
