import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { unpackPackage } from "../../../src/build/packages/unpack.ts";
import { PackageError } from "../../../src/errors.ts";
import { type FakePackage, packageTarball } from "../../fakes/fake_package_registry.ts";
import { utf8 } from "../../make/bytes.ts";

const tarball = (files: FakePackage["files"]) => packageTarball({ name: "a", version: "1.0.0", files });
const unpack = async (files: FakePackage["files"]) => await unpackPackage(await tarball(files), "a@1.0.0");

describe("a package's tarball", () => {
  it("becomes its files, sorted by path, with the executable ones marked", async () => {
    const files = await unpack({
      "lib/b.js": "b",
      "bin/run": { content: utf8("#!"), mode: 0o775 },
      "a.js": { content: utf8("a"), mode: 0o600 },
    });
    assertEquals(files.map(({ path, executable }) => `${path} ${executable}`), [
      "a.js false",
      "bin/run true",
      "lib/b.js false",
      "package.json false",
    ]);
    assertEquals(new TextDecoder().decode(files[2].bytes), "b");
  });

  it("may have the same path twice, of which the last counts", async () => {
    const files = await unpack({ "./a.js": "first", "a.js": "last" });
    assertEquals(files.map(({ path, bytes }) => `${path} ${new TextDecoder().decode(bytes)}`)[0], "a.js last");
  });

  it("loses links that stay inside, as with npm", async () => {
    const files = await unpack({
      "lib/a.js": "a",
      "lib/b.js": { type: "symlink", linkname: "../lib/a.js" },
      "c.js": { type: "link", linkname: "package/lib/a.js" },
    });
    assertEquals(files.map(({ path }) => path), ["lib/a.js", "package.json"]);
  });

  const refused: readonly [string, NonNullable<FakePackage["files"]>, string][] = [
    ["a path that leads out", { "lib/../../../x": "x" }, 'has a ".." in its name'],
    ["a path that leads out at its start", { "../x": "x" }, 'has a ".." in its name'],
    ["a path from the root", { "/etc/x": "x" }, '"/etc/x" is a path from the root'],
    ["a backslash in a path", { "a\\b": "x" }, "has a backslash in its name"],
    [
      "a symbolic link that leads out",
      { "lib/x": { type: "symlink", linkname: "../../x" } },
      "is a link out of its folder",
    ],
    ["a symbolic link to the root", { x: { type: "symlink", linkname: "/etc/passwd" } }, "is a link out of its folder"],
    ["a hard link that leads out", { x: { type: "link", linkname: "package/../../x" } }, "is a link out of its folder"],
    [
      "a link to its folder's own name outside",
      { x: { type: "symlink", linkname: "../package/x" } },
      "is a link out of its folder",
    ],
    ["a named pipe", { x: { type: "fifo" } }, "is a fifo, which no package has"],
    ["a file in the place of a folder", { x: "x", "x/y": "y" }, "has the file x, and files below that"],
  ];
  for (const [what, files, message] of refused) {
    it(`with ${what} is refused`, async () => {
      const error = await assertRejects(() => unpack(files), PackageError, message);
      assertEquals(error.message.startsWith("a@1.0.0 can't be unpacked: "), true, error.message);
    });
  }

  it("that is cut or corrupt is refused", async () => {
    const whole = await tarball({ "a.js": "a".repeat(100_000) + crypto.randomUUID() });
    await assertRejects(() => unpackPackage(whole.slice(0, -20), "a@1.0.0"), PackageError, "a@1.0.0 can't be unpacked");
    await assertRejects(() => unpackPackage(utf8("<html>"), "a@1.0.0"), PackageError, "a@1.0.0 can't be unpacked");
    await assertRejects(() => unpackPackage(new Uint8Array(), "a@1.0.0"), PackageError, "its tarball has no files");
  });
});
