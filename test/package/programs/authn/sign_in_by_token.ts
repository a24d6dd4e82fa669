import { assertEquals } from "@std/assert";
import { basic } from "@gcrane/gcrane/authn";
import { digest, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Pushes to a registry that exchanges a name and a password for tokens. */
export default async function ({ closed }: World): Promise<void> {
  const image = randomImage({ seed: 1 });
  const options = { keychain: { resolve: () => Promise.resolve(basic("ann", "secret")) } };
  await push(image, `${closed}/signed-in:v1`, options);
  assertEquals(await digest(`${closed}/signed-in:v1`, options), await image.digest());
}
