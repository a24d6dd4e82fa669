import { assertEquals } from "@std/assert";
import { digest, push, validate } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { createRegistry } from "@gcrane/gcrane/registry";
import type { World } from "../world.ts";

/** Serves a cache of another registry. */
export default async function ({ registry, repository }: World): Promise<void> {
  const image = randomImage({ seed: 1 });
  await push(image, `${repository}:v1`);
  let asked = 0;
  const counted: typeof fetch = (input, init) => {
    asked++;
    return fetch(input, init);
  };
  const cache = createRegistry({ proxy: { upstream: registry, ttl: 3_600_000, fetch: counted } });
  const name = `cache.example.com${repository.slice(registry.length)}:v1`;
  await validate(name, { fetch: cache.fetch });
  const first = asked;
  assertEquals(await digest(name, { fetch: cache.fetch }), await image.digest());
  await validate(name, { fetch: cache.fetch });
  assertEquals(asked, first);
}
