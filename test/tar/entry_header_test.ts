import { it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import { encodeTarHeader, readTar, writeTar } from "../../src/tar/mod.ts";
import { TarWalker } from "../../src/tar/walker.ts";
import type { Bytes } from "../../src/runtime/mod.ts";

it("encodeTarHeader gives what writeTar puts in front of the content", async () => {
  const content = new Uint8Array(700).fill(1);
  for (const path of ["short", "directory/".repeat(40)]) {
    const entry = { path, size: content.length, mtime: 7, content };
    const header = encodeTarHeader(entry);
    const archive = new Uint8Array(await new Response(writeTar([entry])).arrayBuffer());
    assertEquals(header, archive.slice(0, header.length));
    assertEquals(archive.length, header.length + 1024 + 1024);
  }
});

it("encodeTarHeader writes sizes beyond those of ustar", () => {
  const walker = new TarWalker();
  walker.feed(encodeTarHeader({ path: "large", size: 2 ** 40 }));
  assertEquals(walker.step(), "entry");
  assertEquals([walker.entry.path, walker.entry.size], ["large", 2 ** 40]);
});

it("encodeTarHeader keeps to its format, and writes a size of 0 where none is given", async () => {
  assertThrows(() => encodeTarHeader({ path: "x".repeat(300) }, { format: "ustar" }), TarError);
  const archive: Bytes = encodeTarHeader({ path: "x".repeat(300) }, { format: "gnu" });
  const names: string[] = [];
  for await (const entry of readTar(new Response(archive).body!)) names.push(`${entry.path.length} ${entry.size}`);
  assertEquals(names, ["300 0"]);
});
