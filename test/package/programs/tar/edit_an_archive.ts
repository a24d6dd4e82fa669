import { assertEquals } from "@std/assert";
import { readTar, rewriteEntry, type TarNewEntry, writeTar } from "@gcrane/gcrane/tar";
import { encode } from "../contents.ts";

/** Changes the owner of all files in an archive. */
export default async function (): Promise<void> {
  const path = `${"a".repeat(150)}/ü`; // longer than a header's field
  const archive = writeTar([
    { path: "app/", type: "directory" },
    { path, content: encode("hello") },
    { path: "link", type: "symlink", linkname: path },
  ]);
  async function* owned(): AsyncIterable<TarNewEntry> {
    for await (const entry of readTar(archive)) yield rewriteEntry(entry, { uid: 1000, gid: 1000 });
  }
  const found: unknown[] = [];
  for await (const { path, type, uid, linkname } of readTar(writeTar(owned()))) found.push([path, type, uid, linkname]);
  assertEquals(found, [["app/", "directory", 1000, ""], [path, "file", 1000, ""], ["link", "symlink", 1000, path]]);
}
