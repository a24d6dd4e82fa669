import { assertEquals } from "@std/assert";
import { editFile, extract, pull, push } from "@gcrane/gcrane/crane";
import { encode, filesOf, imageOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Edits a file of an image in the registry. */
export default async function ({ repository }: World): Promise<void> {
  await push(await imageOf({ "etc/motd": "hello", "etc/hosts": "" }), `${repository}:v1`);
  const edit = (bytes: Uint8Array) => encode(new TextDecoder().decode(bytes).toUpperCase());
  const edited = await editFile(`${repository}:v1`, { path: "/etc/motd", edit });
  assertEquals(await filesOf(extract(await pull(edited!))), { "etc/motd": "HELLO", "etc/hosts": "" });
}
