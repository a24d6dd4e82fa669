import { assertEquals } from "@std/assert";
import { copy, digest } from "@gcrane/gcrane/crane";
import { randomIndex } from "@gcrane/gcrane/image";
import { tarballBytes, tarballContents, writeOciArchive } from "@gcrane/gcrane/tarball";
import { bytesOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Writes an index into an OCI archive, and pushes it from the bytes. */
export default async function ({ repository }: World): Promise<void> {
  const index = randomIndex({ seed: 1, images: 2 });
  const archive = tarballBytes(await bytesOf(writeOciArchive([{ view: index, name: "v1" }])));
  const contents = await tarballContents(archive);
  assertEquals(contents.kind, "layout");
  await copy(archive, `${repository}:v1`);
  assertEquals(await digest(`${repository}:v1`), await index.digest());
}
