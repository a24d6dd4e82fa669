import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RegistryStore } from "../../src/registry/mod.ts";
import { text } from "./store_contract_data.ts";

/** What holds of the records of every store. */
export function recordContract(store: () => RegistryStore): void {
  describe("records", () => {
    it("are not there at first", async () => {
      assertEquals(await store().records.get("a/b"), undefined);
      assertEquals(await store().records.delete("a/b"), false);
      assertEquals(await store().records.list(""), []);
      assertEquals(await store().records.list("a/"), []);
    });

    it("are kept, replaced and removed", async () => {
      await store().records.put("a/b", text("one"));
      assertEquals(await store().records.get("a/b"), text("one"));
      await store().records.put("a/b", text("two"), { durable: false });
      assertEquals(await store().records.get("a/b"), text("two"));
      await store().records.put("a/empty", text(""));
      assertEquals(await store().records.get("a/empty"), text(""));
      assertEquals(await store().records.delete("a/b"), true);
      assertEquals(await store().records.delete("a/b"), false);
      assertEquals(await store().records.get("a/b"), undefined);
      assertEquals(await store().records.get("a/empty"), text(""));
    });

    it("do not change with the bytes that they were written from", async () => {
      const value = text("one");
      await store().records.put("a/b", value);
      value.fill(0);
      assertEquals(await store().records.get("a/b"), text("one"));
    });

    it("are not where a directory is, and the reverse", async () => {
      await store().records.put("a/b/c", text("deep"));
      assertEquals(await store().records.get("a/b"), undefined);
      assertEquals(await store().records.delete("a/b"), false);
      assertEquals(await store().records.get("a/b/c/d"), undefined);
      assertEquals(await store().records.list("a/b/c/"), []);
      assertEquals(await store().records.get("a/b/c"), text("deep"));
    });

    it("are listed by name, one level at a time", async () => {
      for (const key of ["r/b", "r/a", "r/a-b/x", "r/c/y/z", "r/Z", "r/_t/v", "s/q"]) {
        await store().records.put(key, text(key));
      }
      assertEquals(await store().records.list(""), ["r/", "s/"]);
      assertEquals(await store().records.list("r/"), ["Z", "_t/", "a", "a-b/", "b", "c/"]);
      assertEquals(await store().records.list("r/c/"), ["y/"]);
      assertEquals(await store().records.list("r/", { limit: 2 }), ["Z", "_t/"]);
      assertEquals(await store().records.list("r/", { after: "a" }), ["a-b/", "b", "c/"]);
      assertEquals(await store().records.list("r/", { after: "aa", limit: 1 }), ["b"]);
      assertEquals(await store().records.list("r/", { after: "zz" }), []);
      assertEquals(await store().records.list("r/", { limit: 0 }), []);
    });

    it("leave nothing in a list when they go", async () => {
      await store().records.put("r/a/b/c", text("x"));
      await store().records.put("r/a/d", text("x"));
      await store().records.delete("r/a/b/c");
      assertEquals(await store().records.list("r/a/"), ["d"]);
      await store().records.delete("r/a/d");
      assertEquals(await store().records.list("r/"), []);
      assertEquals(await store().records.list(""), []);
      await store().records.put("r/a/b/c", text("y"));
      assertEquals(await store().records.list("r/a/"), ["b/"]);
    });

    it("are listed in pages, with each change at once", async () => {
      const names = Array.from({ length: 100 }, (_, i) => `r${String(i).padStart(3, "0")}`);
      for (const name of names) await store().records.put(`pages/${name}`, text("x"));
      const pages: string[][] = [];
      for (let after: string | undefined; pages.at(-1)?.length !== 0; after = pages.at(-1)!.at(-1)) {
        pages.push(await store().records.list("pages/", { after, limit: 30 }));
      }
      assertEquals(pages.map(({ length }) => length), [30, 30, 30, 10, 0]);
      assertEquals(pages.flat(), names);
      await store().records.put("pages/r050a", text("x"));
      assertEquals(await store().records.list("pages/", { after: "r050", limit: 2 }), ["r050a", "r051"]);
      await store().records.delete("pages/r050a");
      await store().records.put("pages/r050-/x", text("x"));
      assertEquals(await store().records.list("pages/", { after: "r050", limit: 2 }), ["r050-/", "r051"]);
      await store().records.delete("pages/r050-/x");
      assertEquals(await store().records.list("pages/", { after: "r050", limit: 2 }), ["r051", "r052"]);
    });

    it("have keys of a narrow form", async () => {
      const wrong = [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "a/.",
        ".a",
        "a/.b",
        "a b",
        "a\\b",
        "a\0",
        "ä",
        "-a",
      ];
      for (const key of [...wrong, `a/${"x".repeat(256)}`, "a/%2e%2e", "C:"]) {
        await assertRejects(() => store().records.get(key), TypeError, "is not a key");
        await assertRejects(() => store().records.put(key, text("x")), TypeError, "is not a key");
        await assertRejects(() => store().records.delete(key), TypeError, "is not a key");
      }
      for (const path of ["a", "/", "../", "a//", "./", "a/../"]) {
        await assertRejects(() => store().records.list(path), TypeError, "is not a path");
      }
      const long = `a/${"x".repeat(200)}/${"Y".repeat(150)}`;
      await store().records.put(long, text("long"));
      assertEquals(await store().records.get(long), text("long"));
    });

    it("are whole, whoever writes and reads at the same time", async () => {
      const values = ["a", "b"].map((letter) => text(letter.repeat(100_000)));
      await store().records.put("k/v", values[0]);
      const reads = Array.from({ length: 20 }, async (_, i) => {
        await store().records.put("k/v", values[i % 2]);
        return await store().records.get("k/v");
      });
      for (const read of await Promise.all(reads)) {
        assert(read?.length === 100_000 && read.every((byte) => byte === read[0]));
      }
    });
  });
}
