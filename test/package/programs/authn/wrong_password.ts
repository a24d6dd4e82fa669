import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HttpError } from "@gcrane/gcrane";
import { basic } from "@gcrane/gcrane/authn";
import { list } from "@gcrane/gcrane/crane";
import type { World } from "../world.ts";

/** Reports a password that the registry refuses. */
export default async function ({ closed }: World): Promise<void> {
  const keychain = { resolve: () => Promise.resolve(basic("ann", "wrong")) };
  const { status, hint } = await assertRejects(
    () => Array.fromAsync(list(`${closed}/app`, { keychain })),
    HttpError,
  );
  assertEquals(status, 401);
  assertStringIncludes(hint!, `gcrane auth login ${closed}`);
}
