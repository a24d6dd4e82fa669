import { assertEquals, assertMatch } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { emptyImage, type Image, layerFromBytes, randomIndex } from "../../../src/image/mod.ts";
import { appendLayers } from "../../../src/mutate/mod.ts";
import type { Bytes, ByteStream } from "../../../src/runtime/mod.ts";
import { readTar, type TarWriteEntry, writeTar } from "../../../src/tar/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { inWorld } from "../../make/command_world.ts";

const app = "registry.example.com/team/app:v1";
const text = (value: string) => new TextEncoder().encode(value);

async function tarOf(entries: Iterable<TarWriteEntry>): Promise<Bytes> {
  return new Uint8Array(await new Response(writeTar(entries)).arrayBuffer());
}

/** An image whose upper layer deletes one file of the lower and replaces another. */
async function layered(): Promise<Image> {
  const lower = await tarOf([
    { path: "etc/gone", content: text("gone") },
    { path: "etc/motd", content: text("old") },
    { path: "bin/sh", content: text("#!"), mode: 0o755 },
  ]);
  const upper = await tarOf([{ path: "etc/.wh.gone" }, { path: "etc/motd", content: text("new") }]);
  return appendLayers(emptyImage(), [
    await layerFromBytes(lower),
    await layerFromBytes(upper, { compression: "none" }),
  ]);
}

const shown = { "bin/sh": "#!", "etc/motd": "new" };

async function filesOf(bytes: Bytes): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for await (const entry of readTar(new Blob([bytes]).stream() as ByteStream)) {
    found.push([entry.path, new TextDecoder().decode(await entry.bytes())]);
  }
  return Object.fromEntries(found.sort());
}

describe("gcrane export", () => {
  it("writes the files of all layers to standard output, and with a name to a file", () =>
    inWorld(async (world) => {
      await world.push(await layered(), app);
      for (const line of [`export ${app}`, `export ${app} -`]) {
        const { code, err, io } = await world.gcrane(line);
        assertEquals([code, err, await filesOf(io.outBytes)], [0, "", shown]);
      }
      assertEquals(await world.data(`export ${app} ${world.path("files.tar")}`), "");
      assertEquals(await filesOf(new Uint8Array(readFileSync(world.path("files.tar")))), shown);
    }));

  it("reads a tarball from standard input", () =>
    inWorld(async (world) => {
      await writeTarballFile(world.path("app.tar"), [{ image: await layered() }]);
      const stdin = new Uint8Array(readFileSync(world.path("app.tar")));
      const { code, err, io } = await world.gcrane("export -", { stdin });
      assertEquals([code, err, await filesOf(io.outBytes)], [0, "", shown]);
      assertEquals(world.requests, []);
      await world.data(`export - ${world.path("files.tar")}`, { stdin });
      assertEquals(await filesOf(new Uint8Array(readFileSync(world.path("files.tar")))), shown);
    }));

  it("says when standard input is no tarball", () =>
    inWorld(async (world) => {
      for (const stdin of ["", "no tarball at all"]) {
        const { code, out, err } = await world.gcrane("export -", { stdin });
        assertEquals([code, out], [1, ""]);
        assertMatch(err, /^Error: .*standard input.*\n$/);
      }
    }));

  it("takes the image for --platform of an index", () =>
    inWorld(async (world) => {
      const platforms = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
      const index = randomIndex({ seed: 1, platforms, layers: 1 });
      await world.push(index, app);
      const names = async (flag: string) =>
        Object.keys(await filesOf((await world.gcrane(`export ${flag} ${app}`)).io.outBytes));
      const [amd64, arm64] = [await names(""), await names("--platform linux/arm64")];
      assertEquals([amd64.length, arm64.length, amd64[0] === arm64[0]], [1, 1, false]);
    }));

  it("writes no tarball to a terminal, unless it is told to", () =>
    inWorld(async (world) => {
      await world.push(await layered(), app);
      const terminal = { columns: 80, rows: 24 };
      const { code, out, err } = await world.gcrane(`export ${app}`, { terminal });
      assertEquals([code, out, err.split("\n")[0]], [
        2,
        "",
        'Error: standard output is a terminal, and a tarball is not text — name a file, use a pipe, or force it with "-"',
      ]);
      assertEquals(await filesOf((await world.gcrane(`export ${app} -`, { terminal })).io.outBytes), shown);
    }));

  it("leaves nothing behind when it fails", () =>
    inWorld(async (world) => {
      assertEquals((await world.gcrane(`export ${app} ${world.path("files.tar")}`)).code, 1);
      assertEquals(existsSync(world.path("files.tar")), false);
      await world.push(await layered(), app);
      const { code, err } = await world.gcrane(`export ${app} ${world.path("no/files.tar")}`);
      assertEquals([code, err], [1, `Error: can't write ${world.path("no/files.tar")}: no such file or directory\n`]);
    }));
});
