import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { fileStore } from "../../../src/registry/mod.ts";
import { DirectoryNames } from "../../../src/registry/stores/file/directory_names.ts";
import { PLAIN } from "../../../src/registry/stores/file/file_names.ts";
import { inFolder } from "../../make/folders.ts";

/** Makes the last change of a directory look older than a clock is coarse. */
async function settle(directory: string): Promise<void> {
  const time = new Date(Date.now() - 60_000);
  await utimes(directory, time, time);
}

describe("the names in a directory", () => {
  const many = Array.from({ length: 100 }, (_, i) => `r${i}`);

  it("are sorted, and are those of records alone", () =>
    inFolder(async (folder) => {
      for (const name of [...many, "a-b", "a.b", ".a.12345678-1234.tmp", "-x"]) await writeFile(join(folder, name), "");
      await mkdir(join(folder, "a"));
      const names = new DirectoryNames(PLAIN);
      assertEquals(await names.in(folder), ["a/", "a-b", "a.b", ...many].sort());
      assertEquals(await names.in(join(folder, "none")), []);
      assertEquals(await names.in(join(folder, "r1")), []);
    }));

  it("are read once for as long as the directory does not change", () =>
    inFolder(async (folder) => {
      for (const name of many) await writeFile(join(folder, name), "");
      await settle(folder);
      const names = new DirectoryNames(PLAIN);
      const first = await names.in(folder);
      assertStrictEquals(await names.in(folder), first);
      await writeFile(join(folder, "r0"), "a new value");
      assertStrictEquals(await names.in(folder), first);
      await writeFile(join(folder, "new"), "");
      assertEquals(await names.in(folder), [...many, "new"].sort());
      await rm(join(folder, "r7"));
      assertEquals(await names.in(folder), [...many, "new"].filter((name) => name !== "r7").sort());
      await settle(folder);
      await rm(folder, { recursive: true });
      assertEquals(await names.in(folder), []);
      await mkdir(folder);
      await writeFile(join(folder, "other"), "");
      await settle(folder);
      assertEquals(await names.in(folder), ["other"]);
    }));

  it("are read again after a change a moment ago, which might hide another one", () =>
    inFolder(async (folder) => {
      for (const name of many) await writeFile(join(folder, name), "");
      const now = new Date();
      await utimes(folder, now, now);
      const names = new DirectoryNames(PLAIN);
      assertEquals((await names.in(folder)).length, 100);
      await writeFile(join(folder, "new"), "");
      await utimes(folder, now, now); // a coarse clock
      assertEquals((await names.in(folder)).length, 101);
    }));

  it("are read again after a change by the same store, on a file system that gives directories one time", () =>
    inFolder(async (folder) => {
      const { records } = fileStore(folder, { sync: false });
      for (const name of many) await records.put(`many/${name}`, new Uint8Array(0));
      const directories = [join(folder, "records"), join(folder, "records", "many")];
      const time = new Date(Date.now() - 60_000);
      const list = async () => {
        for (const directory of directories) await utimes(directory, time, time);
        return [await records.list("many/"), await records.list("")];
      };
      assertEquals(await list(), [[...many].sort(), ["many/"]]);
      await records.put("many/new", new Uint8Array(0));
      assertEquals(await list(), [[...many, "new"].sort(), ["many/"]]);
      await records.delete("many/new");
      assertEquals(await list(), [[...many].sort(), ["many/"]]);
      for (const name of many) await records.put(`${name}/a`, new Uint8Array(0));
      const names = ["many/", ...many.map((name) => `${name}/`)].sort();
      assertEquals(await list(), [[...many].sort(), names]);
      await records.put("other/a", new Uint8Array(0));
      assertEquals(await list(), [[...many].sort(), [...names, "other/"].sort()]);
    }));
});
