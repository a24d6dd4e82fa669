import { assertEquals, assertRejects } from "@std/assert";
import { crane, HttpError, NameError } from "@gcrane/gcrane";
import type { World } from "../world.ts";

/** Handles errors by their class and code. */
export default async function ({ repository }: World): Promise<void> {
  const absent = await assertRejects(() => crane.manifest(`${repository}:absent`), HttpError);
  assertEquals([absent.code, absent.status, absent.diagnostics[0].code], ["HTTP_STATUS", 404, "MANIFEST_UNKNOWN"]);
  assertEquals(absent.hint, "check the spelling of the repository and the tag");
  const malformed = await assertRejects(() => crane.manifest(`${repository}:not a tag`), NameError);
  assertEquals(malformed.code, "NAME_INVALID");
}
