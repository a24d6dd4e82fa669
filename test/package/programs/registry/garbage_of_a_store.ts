import { assert, assertEquals } from "@std/assert";
import { push, remove } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { collectStoreGarbage, createRegistry, memoryStore } from "@gcrane/gcrane/registry";

/** Removes the blobs of deleted images from a store. */
export default async function (): Promise<void> {
  const store = memoryStore();
  const options = { fetch: createRegistry({ store }).fetch };
  const image = randomImage({ seed: 1, layers: 2 });
  const pushed = await push(image, "registry.example.com/app:v1", options);
  const later = { clock: () => Date.now() + 2 * 24 * 3_600_000 };
  assertEquals((await collectStoreGarbage(store, later)).blobs, 0);
  await remove(pushed, options);
  const blobs: string[] = [];
  await collectStoreGarbage(store, { ...later, onBlob: ({ digest }) => blobs.push(digest) });
  const [layer] = await image.layers();
  const digest = await layer.digest();
  assert(blobs.includes(digest), blobs.join());
}
