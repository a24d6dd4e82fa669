import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { fileStore } from "../../../src/registry/mod.ts";
import { DirectoryNames } from "../../../src/registry/stores/file/directory_names.ts";
import { PLAIN } from "../../../src/registry/stores/file/file_names.ts";
import { inFolder } from "../../make/folders.ts";
import { Random } from "../../make/random.ts";

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

  it("are read again after a change a moment ago, where no file of changes can be made", () =>
    inFolder(async (folder) => {
      for (let i = 0; i < 1_200; i++) await writeFile(join(folder, `tag${i}`), "");
      await mkdir(join(folder, ".changes")); // as on a disk that can't be written to
      const names = new DirectoryNames(PLAIN);
      const now = new Date();
      await utimes(folder, now, now);
      assertEquals((await names.in(folder)).length, 1_200);
      await writeFile(join(folder, "new"), "");
      await utimes(folder, now, now); // a coarse clock
      assertEquals((await names.in(folder)).length, 1_201);
      await settle(folder);
      assertStrictEquals(await names.in(folder), await names.in(folder));
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

  it("are not read again after a change by the same store, which looks up the changed name", () =>
    inFolder(async (folder) => {
      const large = Array.from({ length: 1_200 }, (_, i) => `tag${i}`);
      for (const name of large) await writeFile(join(folder, name), "");
      const names = new DirectoryNames(PLAIN);
      const time = new Date(Date.now() - 60_000);
      await names.in(folder); // makes the file of changes
      await utimes(folder, time, time);
      assertEquals(await names.in(folder), [...large].sort());
      await writeFile(join(folder, "hidden"), ""); // shows when the directory is read
      await utimes(folder, time, time);
      await names.change(folder, "new", () => writeFile(join(folder, "new"), ""));
      await names.change(folder, "tag7", () => rm(join(folder, "tag7")));
      await names.change(folder, "below", () => mkdir(join(folder, "below")));
      const own = [...large.filter((name) => name !== "tag7"), "new", "below/"].sort();
      assertEquals(await names.in(folder), own);
      const other = new DirectoryNames(PLAIN);
      assertEquals(await other.in(folder), [...own, "hidden"].sort());
      await other.change(folder, "another", () => writeFile(join(folder, "another"), ""));
      const all = [...own, "hidden", "another"].sort();
      assertEquals(await names.in(folder), all);
      assertEquals(await other.in(folder), all);
    }));

  it("are read once for lists at the same time", () =>
    inFolder(async (folder) => {
      for (const name of many) await writeFile(join(folder, name), "");
      await settle(folder);
      const names = new DirectoryNames(PLAIN);
      const [first, ...others] = await Promise.all([names.in(folder), names.in(folder), names.in(folder)]);
      for (const other of others) assertStrictEquals(other, first);
    }));

  it("are not read again by lists during changes by the same store", () =>
    inFolder(async (folder) => {
      const large = Array.from({ length: 1_200 }, (_, i) => `tag${i}`);
      for (const name of large) await writeFile(join(folder, name), "");
      const names = new DirectoryNames(PLAIN);
      await names.in(folder); // makes the file of changes
      await settle(folder);
      const first = await names.in(folder);
      const { mtime } = await stat(folder);
      await writeFile(join(folder, "hidden"), ""); // shows when the directory is read
      await utimes(folder, mtime, mtime);
      const added: string[] = [];
      const push = async (name: string) => {
        for (let i = 0; i < 40; i++) {
          const file = `${name}${i}`;
          added.push(file);
          await names.change(folder, file, () => writeFile(join(folder, file), ""));
          assertEquals((await names.in(folder)).includes(file), true, file);
        }
      };
      let isPushing = true;
      const list = async () => {
        while (isPushing) assertEquals((await names.in(folder)).includes("hidden"), false);
      };
      const pushes = Promise.all([push("a"), push("b"), push("c")]).finally(() => isPushing = false);
      await Promise.all([pushes, list(), list()]);
      assertEquals(await names.in(folder), [...large, ...added].sort());
      assertEquals(first, [...large].sort()); // a list that was given out stays
    }));

  it("show what another program changed before a directory of the same store came", () =>
    inFolder(async (folder) => {
      const { records } = fileStore(folder, { sync: false });
      const root = join(folder, "records");
      await mkdir(root);
      const large = Array.from({ length: 1_200 }, (_, i) => `r${i}`);
      for (const name of large) await writeFile(join(root, name), "");
      await records.list(""); // makes the file of changes
      await settle(root);
      assertEquals(await records.list(""), [...large].sort());
      await writeFile(join(root, "foreign"), "");
      await records.put("made/a", new Uint8Array(0));
      assertEquals(await records.list(""), [...large, "foreign", "made/"].sort());
    }));

  it("are counted in files of the store alone", () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, ".changes"), "of the user");
      await mkdir(join(folder, "a"));
      await mkdir(join(folder, "a", ".changes"));
      for (const store of [folder, join(folder, "a"), join(folder, "b", "c")]) {
        await fileStore(store, { sync: false }).records.put("name/a", new Uint8Array(0));
      }
      assertEquals(await readFile(join(folder, ".changes"), "utf8"), "of the user");
      assertEquals((await stat(join(folder, "a", ".changes"))).isDirectory(), true);
    }));

  it("are read again when the file of changes is lost, is another one, or can't be written", () =>
    inFolder(async (folder) => {
      const large = Array.from({ length: 1_200 }, (_, i) => `tag${i}`);
      for (const name of large) await writeFile(join(folder, name), "");
      const names = new DirectoryNames(PLAIN);
      const other = new DirectoryNames(PLAIN);
      const added: string[] = [];
      const path = join(folder, ".changes");
      const changes = [
        () => rm(path),
        () => writeFile(path, "as long as it likes"),
        () => rm(path).then(() => mkdir(path)),
        () => rm(path, { recursive: true }),
      ];
      for (const [number, change] of changes.entries()) {
        await Promise.all([names.in(folder), other.in(folder)]);
        await change();
        const name = `new${number}`;
        added.push(name);
        await other.change(folder, name, () => writeFile(join(folder, name), ""));
        const expected = [...large, ...added].sort();
        assertEquals(await names.in(folder), expected, name);
        assertEquals(await other.in(folder), expected, name);
      }
    }));

  it(
    "are those of the directory after any changes by several stores and other programs",
    { timeout: 120_000 },
    () =>
      inFolder(async (folder) => {
        const directory = join(folder, "records", "many");
        const stores = [1, 2, 3].map(() => fileStore(folder, { sync: false }).records);
        for (let i = 0; i < 1_100; i++) await stores[0].put(`many/tag${i}`, new Uint8Array(0));
        const random = new Random(1);
        const truth = async () =>
          (await readdir(directory, { withFileTypes: true })).filter(({ name }) => !name.startsWith("."))
            .map((entry) => entry.isDirectory() ? `${entry.name}/` : entry.name).sort();
        const step = async () => {
          const store = stores[random.integer(0, 2)];
          const name = `tag${random.integer(1_080, 1_120)}`;
          const kind = random.integer(0, 9);
          if (kind < 4) await store.put(`many/${name}`, new Uint8Array(0));
          else if (kind < 7) await store.delete(`many/${name}`);
          else if (kind < 8) await store.put(`many/below${random.integer(0, 9)}/${name}`, new Uint8Array(0));
          else await store.list("many/", { limit: 10 });
        };
        let time = Date.now() - 1_000_000;
        for (let round = 0; round < 150; round++) {
          await Promise.all(Array.from({ length: random.integer(1, 6) }, step));
          if (round % 5 === 0) { // another program
            await writeFile(join(directory, `foreign${round}`), "");
            if (round % 10 === 0) await rm(join(directory, `foreign${round}`));
            await utimes(directory, new Date(time += 1_000), new Date(time));
          }
          const expected = await truth();
          for (const store of stores) assertEquals(await store.list("many/"), expected, `round ${round}`);
        }
      }),
  );
});
