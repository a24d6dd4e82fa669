import { assertMatch, assertRejects } from "@std/assert";
import { ValidationError } from "@gcrane/gcrane";
import { push, validate } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Checks an image on its way from the registry, and finds a changed byte. */
export default async function ({ repository }: World): Promise<void> {
  await push(randomImage({ seed: 1, layers: 1, size: 10_000 }), `${repository}:v1`);
  await validate(`${repository}:v1`);
  const damaging: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!response.url.includes("/blobs/") || !response.ok) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    bytes[bytes.length >> 1] ^= 1;
    return new Response(bytes, response);
  };
  const { message } = await assertRejects(() => validate(`${repository}:v1`, { fetch: damaging }), ValidationError);
  assertMatch(message, /layer 1 of 1 .* has the digest sha256:\w+ where sha256:\w+ was promised/);
}
