import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { describe, it } from "node:test";
import { emptyImage, type Image, layerFromBytes, randomIndex } from "../../../src/image/mod.ts";
import { appendLayers } from "../../../src/mutate/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { readTar, type TarEntry, type TarNewEntry, writeTar } from "../../../src/tar/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { collect } from "../../make/streams.ts";
import { utf8 } from "../../make/bytes.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

/** An image of layers, the bottom one first. */
async function imageOf(...layers: TarNewEntry[][]): Promise<Image> {
  const made = await Promise.all(layers.map(async (entries) => layerFromBytes(await collect(writeTar(entries)))));
  return appendLayers(emptyImage(), made);
}

const motd: TarNewEntry = {
  path: "./etc/motd",
  content: utf8("hello\n"),
  mode: 0o4751,
  uid: 12,
  gid: 34,
  uname: "me",
  mtime: 5,
  pax: [["SCHILY.xattr.user.note", "kept"]],
};

const sample = () =>
  imageOf(
    [
      { path: "etc/", type: "directory" },
      { ...motd, content: utf8("older\n"), mode: 0o600 },
      { path: "bin", type: "symlink", linkname: "usr/bin" },
      { path: "usr/bin/tool", content: utf8("tool\n"), mode: 0o755 },
      { path: "usr/bin/same", type: "link", linkname: "usr/bin/tool" },
      { path: "gone", content: utf8("gone\n") },
      { path: "pipe", type: "fifo" },
    ],
    [motd, { path: ".wh.gone" }, { path: "etc/link", type: "symlink", linkname: "/etc/motd" }],
  );

/** An editor that replaces some text of the file. */
function editor(world: World, from: string, to: string): { answers: string[]; environment: { EDITOR: string } } {
  const script = world.write(
    "editor.sh",
    `echo "$1" > ${world.path("edited")}\nsed 's|${from}|${to}|' "$1" > "$1.new" && mv "$1.new" "$1"\n`,
  );
  return { answers: [], environment: { EDITOR: `sh ${script}` } };
}

async function topLayer(world: World, reference: string): Promise<{ entry: TarEntry; text: string }[]> {
  const image = await new Puller({ fetch: world.fetch }).image(parseReference(reference));
  const top = (await image.layers()).at(-1)!;
  const entries: { entry: TarEntry; text: string }[] = [];
  for await (const entry of readTar(await top.uncompressed())) {
    entries.push({ entry, text: new TextDecoder().decode(await entry.bytes()) });
  }
  return entries;
}

const inFilledWorld = (test: (world: World) => Promise<void>) =>
  inWorld(async (world) => {
    await world.push(await sample(), `${app}:v1`);
    await test(world);
  });

describe("gcrane edit fs", () => {
  it("lets a file be edited in $EDITOR, and puts it on top with its mode, owner and attributes", () =>
    inFilledWorld(async (world) => {
      const before = await world.data(`digest ${app}:v1`);
      const pushed = await world.data(`edit fs ${app}:v1 /etc/motd -t ${app}:v2`, editor(world, "hello", "bye"));
      assertEquals(pushed, await world.data(`digest --full-ref ${app}:v2`));
      assertEquals(basename(readFileSync(world.path("edited"), "utf8").trim()), "motd");
      const [{ entry, text }, ...more] = await topLayer(world, `${app}:v2`);
      assertEquals([text, more.length, entry.path, entry.type], ["bye\n", 0, "etc/motd", "file"]);
      assertEquals([entry.mode, entry.uid, entry.gid, entry.uname], [0o4751, 12, 34, "me"]);
      assertEquals(new TextDecoder().decode(entry.pax.get("SCHILY.xattr.user.note")), "kept");
      assert(entry.mtime > 1e9, `${entry.mtime}`);
      const config = JSON.parse(await world.data(`config ${app}:v2`));
      assertEquals(config.history.at(-1), { created_by: "gcrane edit fs etc/motd" });
      assertEquals(await world.data(`validate ${app}:v2`), `PASS: ${app}:v2\n`);
      assertEquals(await world.data(`digest ${app}:v1`), before);
      assertStringIncludes((await world.gcrane(`diff ${app}:v1 ${app}:v2`)).out, "~ /etc/motd  size 6 → 4, digest");
    }));

  it("takes the content from standard input, named as the peer does too, and sends nothing but the new layer", () =>
    inFilledWorld(async (world) => {
      world.requests.length = 0;
      const pushed = await world.data(`edit fs ${app}:v1 -f etc/motd`, { stdin: "new\n" });
      assert(pushed.startsWith(`${app}@sha256:`), pushed);
      // The layer and the config.
      assertEquals(world.requests.filter((request) => /^PUT .*\/blobs\/uploads\//.test(request)).length, 2);
      assertEquals((await topLayer(world, pushed.trim()))[0].text, "new\n");
    }));

  it("makes a hard link a file of its own, and empties a file", () =>
    inFilledWorld(async (world) => {
      const pushed = await world.data(`edit fs ${app}:v1 usr/bin/same`, editor(world, "tool", "other"));
      const [{ entry, text }] = await topLayer(world, pushed.trim());
      assertEquals([entry.path, entry.type, entry.mode, text], ["usr/bin/same", "file", 0o755, "other\n"]);
      const emptied = await world.data(`edit fs ${app}:v1 etc/motd`, { stdin: "" });
      assertEquals((await topLayer(world, emptied.trim())).map(({ text }) => text), [""]);
    }));

  it("makes a file that is not there, if asked to", () =>
    inFilledWorld(async (world) => {
      const pushed = await world.data(`edit fs ${app}:v1 srv/new --create`, { stdin: "new\n" });
      const [{ entry, text }] = await topLayer(world, pushed.trim());
      assertEquals([entry.path, entry.mode, entry.uid, text], ["srv/new", 0o644, 0, "new\n"]);
    }));

  it("edits an image in a file, which needs a name then", () =>
    inWorld(async (world) => {
      const path = world.path("app.tar");
      await writeTarballFile(path, [{ image: await sample(), reference: "a:b" }]);
      const pushed = await world.data(`edit fs ${path} etc/motd -t ${app}:v2`, { stdin: "new\n" });
      assertEquals((await topLayer(world, pushed.trim()))[0].text, "new\n");
      const { code, err } = await world.gcrane(`edit fs ${path} etc/motd`, { stdin: "new\n" });
      assertEquals(code, 2);
      assertStringIncludes(err, `${path} is in no registry, so the result needs a name — give it one with -t`);
    }));

  it("pushes nothing when nothing was changed, and says so", () =>
    inFilledWorld(async (world) => {
      for (
        const options of [{ stdin: "hello\n" }, { answers: [], environment: { EDITOR: "true" } }]
      ) {
        world.requests.length = 0;
        const { code, out, err } = await world.gcrane(`edit fs ${app}:v1 etc/motd -t ${app}:v2`, options);
        assertEquals([code, out, err], [0, "", "etc/motd is unchanged: nothing was pushed\n"]);
        assertEquals(world.requests.filter((request) => !request.startsWith("GET ")), []);
      }
    }));

  for (
    const [path, code, message] of [
      ["etc/none", 1, `${app}:v1 has no file /etc/none — --create makes it`],
      ["gone", 1, `${app}:v1 has no file /gone — --create makes it`],
      ["etc", 1, `/etc of ${app}:v1 is not a file but a directory`],
      [
        "etc/link",
        1,
        `/etc/link of ${app}:v1 is not a file but a symbolic link to /etc/motd — edit the target of the link`,
      ],
      ["pipe", 1, `/pipe of ${app}:v1 is not a file but a fifo`],
      [
        "bin/tool",
        1,
        `/bin/tool can't be in ${app}:v1: /bin is not a directory but a symbolic link to usr/bin` +
        " — name the file by the target of the link",
      ],
      ["etc/motd/more", 1, `/etc/motd/more can't be in ${app}:v1: /etc/motd is not a directory but a file`],
      ["/", 2, "no file is named — name one: etc/motd, for example"],
      ["", 2, "no file is named — name the image, then the file in it"],
      ["../motd", 1, 'tar entry "../motd" has a ".." in its name'],
    ] as const
  ) {
    it(`refuses ${path || "no file"}, and asks nobody for a text`, () =>
      inFilledWorld(async (world) => {
        world.requests.length = 0;
        const words = ["edit", "fs", `${app}:v1`, ...path === "" ? [] : [path]];
        const { code: actual, out, err } = await world.gcrane(words, editor(world, "a", "b"));
        assertEquals([actual, out], [code, ""]);
        assertStringIncludes(err, `Error: ${message}`);
        assertEquals(existsSync(world.path("edited")), false);
        assertEquals(world.requests.filter((request) => !request.startsWith("GET ")), []);
      }));
  }

  it("refuses to put a file below a link, also if it may make it", () =>
    inFilledWorld(async (world) => {
      const { code } = await world.gcrane(`edit fs ${app}:v1 bin/new --create`, { stdin: "new\n" });
      assertEquals(code, 1);
    }));

  it("wants one image of an index", () =>
    inWorld(async (world) => {
      await world.push(randomIndex({ images: 2 }), `${app}:v1`);
      const { code, err } = await world.gcrane(`edit fs ${app}:v1 etc/motd`, { stdin: "new\n" });
      assertEquals(code, 2);
      assertStringIncludes(err, `${app}:v1 is an index, which has no files — choose one of its images with --platform`);
    }));

  it("keeps the text when it can't be pushed", () =>
    inFilledWorld(async (world) => {
      const refusing: typeof fetch = (input, init) =>
        init?.method === "PUT" || (input instanceof Request && input.method === "PUT")
          ? Promise.resolve(new Response(null, { status: 403 }))
          : world.fetch(input, init);
      const { code, out, err } = await world.gcrane(`edit fs ${app}:v1 etc/motd`, { stdin: "new\n", fetch: refusing });
      assertEquals([code, out], [1, ""]);
      const path = /the edited etc\/motd is saved in (\S+)\n/.exec(err)?.[1];
      assert(path !== undefined, err);
      assertEquals([basename(path), readFileSync(path, "utf8")], ["motd", "new\n"]);
      rmSync(dirname(path), { recursive: true });
    }));
});
