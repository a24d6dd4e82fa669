import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { withFileLock } from "../../src/authn/file_lock.ts";
import { FileError } from "../../src/errors.ts";
import { removeTemporaries } from "../../src/runtime/mod.ts";
import { FakeHome } from "./config_files.ts";

describe("the lock of a file", () => {
  let home: FakeHome;
  let file: string;
  let lock: string;
  beforeEach(() => {
    home = new FakeHome();
    file = home.write("count", "0");
    lock = `${file}.lock`;
  });
  afterEach(() => home.remove());

  /** Adds one to the number in the file, slowly. */
  async function count(path: string): Promise<void> {
    const before = Number(readFileSync(path, "utf8"));
    await delay(2);
    writeFileSync(path, `${before + 1}`);
  }

  it("is held by one at a time, whatever the file is called, and removed at the end", async () => {
    mkdirSync(home.path("other"));
    const link = home.path("other/name");
    symlinkSync(file, link);
    const names = Array.from({ length: 20 }, (_, i) => i % 2 ? link : file);
    await Promise.all(names.map((name) => withFileLock(name, () => count(name))));
    assertEquals(readFileSync(file, "utf8"), "20");
    assertEquals([readdirSync(home.home).sort(), readdirSync(home.path("other"))], [["count", "other"], ["name"]]);
  });

  it("is for a file that is not there yet, too", async () => {
    const path = home.path("new");
    await withFileLock(path, () => {
      assertEquals(existsSync(`${path}.lock`), true);
      return Promise.resolve();
    });
    assertEquals(readdirSync(home.home), ["count"]);
  });

  it("is removed when the work fails, and when the program is interrupted", async () => {
    const failing = () => Promise.reject(new Error("no"));
    await assertRejects(() => withFileLock(file, failing), Error, "no");
    assertEquals(existsSync(lock), false);
    await withFileLock(file, () => {
      removeTemporaries();
      assertEquals(existsSync(lock), false);
      return Promise.resolve();
    });
  });

  it("is taken over, by one at a time, where it was left behind", async () => {
    writeFileSync(lock, "left behind");
    await Promise.all(Array.from({ length: 10 }, () => withFileLock(file, () => count(file), { staleMs: 1_000 })));
    assertEquals(readFileSync(file, "utf8"), "10");
    assertEquals(readdirSync(home.home), ["count"]);
  });

  it("is left to another program that works, and not waited for without end", async () => {
    const stop = new AbortController();
    writeFileSync(lock, "another's");
    // The other takes it anew all the time, as many logins do.
    const other = (async () => {
      for (let second = 1; !stop.signal.aborted; second++) {
        utimesSync(lock, second, second);
        await delay(1);
      }
    })();
    const waiting = withFileLock(file, () => count(file), { staleMs: 1_000, waitMs: 50 });
    const error = await assertRejects(() => waiting, FileError);
    stop.abort();
    await other;
    assertEquals(
      [error.message, error.hint],
      [`${lock} is there: another program holds it`, "remove it if no other program is at work"],
    );
    assertEquals([readFileSync(lock, "utf8"), readFileSync(file, "utf8")], ["another's", "0"]);
  });

  it("is not removed where another program has taken it over meanwhile", async () => {
    await withFileLock(file, () => Promise.resolve(writeFileSync(lock, "another's")));
    assertEquals(readFileSync(lock, "utf8"), "another's");
  });

  it("is not waited for by a caller who aborts", async () => {
    writeFileSync(lock, "another's");
    const stop = new AbortController();
    const waiting = withFileLock(file, () => count(file), { signal: stop.signal });
    stop.abort(new Error("enough"));
    await assertRejects(() => waiting, Error, "enough");
    assertEquals([readFileSync(lock, "utf8"), readFileSync(file, "utf8")], ["another's", "0"]);
  });
});
