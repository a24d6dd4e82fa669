import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { diff, extract, type FileDifference, type ImageDiff } from "../../src/crane/mod.ts";
import { emptyImage, type Image, layerFromBytes } from "../../src/image/mod.ts";
import { appendLayers, changeImage } from "../../src/mutate/mod.ts";
import { readTar, type TarNewEntry } from "../../src/tar/mod.ts";
import { joined, utf8 } from "../make/bytes.ts";
import { archive, extended, header, record } from "../make/archives.ts";
import { directory, file, layer, layerOf, link, symlink, tarOf, type TestLayer } from "../make/entry_layers.ts";

/** A layer of these entries, with times of its own so that it is like no other. */
let layers = 0;
async function unique(...entries: TarNewEntry[]): Promise<TestLayer> {
  const mtime = ++layers;
  return await layerOf(await tarOf(entries.map((entry) => ({ ...entry, mtime }))));
}

function imageOf(...stack: TestLayer[]): Image {
  return appendLayers(emptyImage(), stack.map(({ layer }) => layer));
}

const outline = ({ files }: ImageDiff) =>
  files.map((one: FileDifference) => [one.kind, one.path, ...one.kind === "changed" ? one.fields : []].join(" "));

async function filesOf(a: TestLayer[], b: TestLayer[]): Promise<string[]> {
  return outline(await diff(imageOf(...a), imageOf(...b)));
}

const opens = (stack: TestLayer[]) => stack.map(({ opened }) => opened.length);

describe("diff", () => {
  it("of an image and itself is nothing, and no layer is read", async () => {
    const stack = [await layer(file("a")), await layer(file("b"))];
    assertEquals(await diff(imageOf(...stack), imageOf(...stack)), {
      equal: true,
      manifest: [],
      config: [],
      layers: [],
      files: [],
    });
    assertEquals(opens(stack), [0, 0]);
  });

  it("of configs reads no layer", async () => {
    const stack = [await layer(file("a"))];
    const image = imageOf(...stack);
    const found = await diff(image, changeImage(image, { user: "1000", annotations: { team: "web" } }));
    assertEquals([found.equal, found.layers, found.files, opens(stack)], [false, [], [], [0]]);
    const manifest = Object.fromEntries(found.manifest.map(({ path, a, b }) => [path, [a, b]]));
    assertEquals(manifest["manifest.annotations"], [undefined, { team: "web" }]);
    assertEquals(manifest["digest"][0], await image.digest());
    assertEquals(found.config.some(({ path }) => path.startsWith("config.config")), true);
  });

  it("tells the layers between those that both have", async () => {
    const [bottom, one, other, top] = [
      await unique(file("a")),
      await unique(),
      await unique(),
      await unique(file("d")),
    ];
    const history = (created_by: string) => ({ created_by });
    const image = ({ layer }: TestLayer, by: string) =>
      appendLayers(emptyImage(), [
        bottom.layer,
        { layer, history: history(by) },
        top.layer,
      ]);
    one.layer = await layerFromBytes(await tarOf([file("x", "1")]));
    other.layer = await layerFromBytes(await tarOf([file("x", "2")]));
    const { layers } = await diff(image(one, "make one"), image(other, "make other"));
    assertEquals(layers, [
      {
        kind: "removed",
        position: 1,
        digest: await one.layer.digest(),
        size: await one.layer.size(),
        createdBy: "make one",
      },
      {
        kind: "added",
        position: 1,
        digest: await other.layer.digest(),
        size: await other.layer.size(),
        createdBy: "make other",
      },
    ]);
  });

  it("tells each thing in which files differ, and leaves out what is alike, times included", async () => {
    const same = [file("same"), directory("dir"), symlink("sym", "same")];
    const a = await unique(
      ...same,
      file("content", "one"),
      file("longer", "1"),
      file("mode", "", { mode: 0o644 }),
      file("owner", "", { uid: 1 }),
      symlink("link", "a"),
      file("type"),
      { path: "null", type: "characterDevice", devMajor: 1, devMinor: 3 },
      file("caps", "", { pax: [["SCHILY.xattr.security.capability", utf8("x")]] }),
      file("removed"),
    );
    const b = await unique(
      ...same,
      file("content", "two"),
      file("longer", "22"),
      file("mode", "", { mode: 0o755 }),
      file("owner", "", { uid: 2 }),
      symlink("link", "b"),
      directory("type", 0o644),
      { path: "null", type: "characterDevice", devMajor: 1, devMinor: 5 },
      file("caps", ""),
      file("added"),
    );
    const found = await diff(imageOf(a), imageOf(b));
    assertEquals(outline(found), [
      "added /added",
      "changed /caps xattrs",
      "changed /content digest",
      "changed /link link",
      "changed /longer size digest",
      "changed /mode mode",
      "changed /null device",
      "changed /owner owner",
      "removed /removed",
      "changed /type type size digest",
    ]);
    const owner = found.files.find(({ path }) => path === "/owner");
    assertEquals(owner?.kind === "changed" && [owner.a.uid, owner.b.uid], [1, 2]);
  });

  it("compares what shows: the same files in other layers are no difference", async () => {
    const whole = await unique(file("a"), directory("d"), file("d/b"), symlink("s", "a"));
    const parts = [
      await unique(file("a", "old"), file("gone"), directory("d", 0o700), file("d/old")),
      await unique(file(".wh.gone", ""), directory("d"), file("d/.wh..wh..opq", ""), file("d/b")),
      await unique(file("a"), symlink("s", "a")),
    ];
    assertEquals(await filesOf([whole], parts), []);
  });

  it("finds in the layers below what the layers above replace or delete", async () => {
    const base = [
      await unique(file("etc/motd", "old"), file("etc/kept"), file("d/x"), file("d/y")),
      await unique(file("z")),
    ];
    const added = await unique(file("etc/motd", "new"), file("new"));
    assertEquals(await filesOf(base, [...base, added]), ["changed /etc/motd digest", "added /new"]);
    assertEquals(opens(base), [1, 1]);
    const gone = await unique(file(".wh.d", ""), file("etc/.wh..wh..opq", ""));
    assertEquals(await filesOf(base, [...base, gone]), [
      "removed /d/x",
      "removed /d/y",
      "removed /etc/kept",
      "removed /etc/motd",
    ]);
    assertEquals(await filesOf([...base, gone], base), [
      "added /d/x",
      "added /d/y",
      "added /etc/kept",
      "added /etc/motd",
    ]);
    assertEquals(await filesOf(base, [...base, await unique(file("etc/motd", "old"))]), []);
  });

  it("does not read what both share if the layers above leave nothing open", async () => {
    const base = [await unique(file("a"), file("b"))];
    const [one, other] = [await unique(file("a", "1"), directory("d")), await unique(file("a", "2"), directory("d"))];
    assertEquals(await filesOf([...base, one], [...base, other]), ["changed /a digest"]);
    const deleted = [await unique(file(".wh.b", ""), file("c")), await unique(file(".wh.b", ""), file("c", "other"))];
    assertEquals(await filesOf([...base, deleted[0]], [...base, deleted[1]]), ["changed /c size digest"]);
    assertEquals(opens(base), [0]);
  });

  it("takes a hard link for the file that it names", async () => {
    const linked = await unique(file("a", "text"), link("b", "a"));
    assertEquals(await filesOf([linked], [await unique(file("a", "text"), file("b", "text"))]), []);
    assertEquals(await filesOf([linked], [await unique(file("b", "text"), link("a", "b"))]), []);
    const base = [await unique(file("a", "text"))];
    assertEquals(await filesOf(base, [...base, await unique(link("b", "a"))]), ["added /b"]);
    const other = await unique(link("b", "a"));
    assertEquals(await filesOf([...base, other], [...base, await unique(file("b", "text"))]), []);
    const between = await unique(link("c", "a"));
    assertEquals(await filesOf([...base, between, await unique(link("b", "c"))], [linked, between]), []);
    assertEquals(await filesOf([await unique(link("b", "nothing"))], [await unique(link("b", "void"))]), [
      "changed /b link",
    ]);
  });

  it("does not hash holes without end", async () => {
    const sparse = (text: string) => {
      const records = { map: `0,${text.length}`, numblocks: "1", name: "a", size: `${2 ** 50}` };
      const pax = Object.entries(records).map(([key, value]) => record(`GNU.sparse.${key}`, value));
      return layerOf(archive(extended("x", joined(...pax)), header({ name: "a", size: text.length }), utf8(text)));
    };
    const found = await diff(imageOf(await sparse("one")), imageOf(await sparse("two")));
    assertEquals(outline(found), ["changed /a digest"]);
    const [only] = found.files;
    assertEquals(only.kind === "changed" && only.a.size, 2 ** 50);
  });

  it("of random stacks is what the extracted files say", async () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % 65536 % below;
    const names = ["a", "b", "a/x", "b/x", "a/x/y", "c"];
    const entry = (): TarNewEntry => {
      const name = names[random(names.length)];
      const [above, last] = [name.slice(0, name.lastIndexOf("/") + 1), name.slice(name.lastIndexOf("/") + 1)];
      switch (random(6)) {
        case 0:
          return directory(name, random(2) ? 0o755 : 0o700);
        case 1:
          return file(`${above}.wh.${last}`, "");
        case 2:
          return file(`${name}/.wh..wh..opq`, "");
        case 3:
          return symlink(name, names[random(names.length)]);
        default:
          return file(name, `${random(3)}`);
      }
    };
    const someLayer = async () => {
      // In one layer, a path is one thing, and what has something below it is a directory.
      const entries = new Map<string, TarNewEntry>();
      for (let i = random(4); i >= 0; i--) {
        const one = entry();
        const path = `${one.path}`.replace(/\/$/, "");
        const taken = [...entries].some(([other, { type }]) =>
          other === path || (path.startsWith(`${other}/`) && type !== "directory") ||
          (other.startsWith(`${path}/`) && one.type !== "directory")
        );
        if (!taken) entries.set(path, one);
      }
      return await unique(...entries.values());
    };
    const filesIn = async (image: Image) => {
      const files = new Map<string, string>();
      for await (const entry of readTar(extract(image))) {
        const { path, type, mode, linkname } = entry;
        const content = type === "file" ? new TextDecoder().decode(await entry.bytes()) : "";
        files.set(`/${path.replace(/\/$/, "")}`, `${type} ${mode} ${linkname} ${content}`);
      }
      return files;
    };
    let differences = 0;
    for (let round = 0; round < 150; round++) {
      const base = [await someLayer(), await someLayer()].slice(random(3));
      const stackOf = async () => [...base, ...[await someLayer(), await someLayer()].slice(random(3))];
      const [a, b] = [imageOf(...await stackOf()), imageOf(...await stackOf())];
      const [inA, inB] = [await filesIn(a), await filesIn(b)];
      const { files } = await diff(a, b);
      differences += files.length;
      const only = (one: Map<string, string>, other: Map<string, string>) =>
        [...one.keys()].filter((path) => !other.has(path)).sort();
      const kind = (wanted: string) => files.filter((one) => one.kind === wanted).map(({ path }) => path);
      assertEquals(kind("added"), only(inB, inA), `round ${round}`);
      assertEquals(kind("removed"), only(inA, inB), `round ${round}`);
      const changed = [...inA].filter(([path, facts]) => inB.has(path) && inB.get(path) !== facts).map(([path]) =>
        path
      );
      assertEquals(kind("changed"), changed.sort(), `round ${round}`);
    }
    assertEquals(differences > 100, true);
  });

  it("ends when it is told to", async () => {
    const reason = new Error("enough");
    const [a, b] = [imageOf(await unique(file("a"))), imageOf(await unique(file("b")))];
    assertEquals(await assertRejects(() => diff(a, b, { signal: AbortSignal.abort(reason) })), reason);
  });
});
