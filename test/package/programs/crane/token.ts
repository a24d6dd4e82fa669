import { assertEquals } from "@std/assert";
import { basic, bearer } from "@gcrane/gcrane/authn";
import { list, push, token } from "@gcrane/gcrane/crane";
import { emptyImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Asks for the header with a token, and works with it instead of the password. */
export default async function ({ closed }: World): Promise<void> {
  const repository = `${closed}/by-token`;
  const keychain = { resolve: () => Promise.resolve(basic("ann", "secret")) };
  const value = await token(repository, { keychain, push: true });
  const options = { keychain: { resolve: () => Promise.resolve(bearer(value!.replace("Bearer ", ""))) } };
  await push(emptyImage(), `${repository}:v1`, options);
  assertEquals(await Array.fromAsync(list(repository, options)), ["v1"]);
}
