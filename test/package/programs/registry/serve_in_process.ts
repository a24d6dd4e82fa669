import { assert, assertEquals } from "@std/assert";
import { copy, list, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { createRegistry, memoryStore } from "@gcrane/gcrane/registry";

/** Serves a registry without a socket. */
export default async function (): Promise<void> {
  const requests: string[] = [];
  const registry = createRegistry({
    store: memoryStore(),
    onRequest: ({ method, status }) => requests.push(`${method} ${status}`),
  });
  const options = { fetch: registry.fetch };
  await push(randomImage({ seed: 1 }), "registry.example.com/app:v1", options);
  await copy("registry.example.com/app:v1", "registry.example.com/copy:v1", options);
  assertEquals(await Array.fromAsync(list("registry.example.com/copy", options)), ["v1"]);
  assert(requests.includes("PUT 201"), requests.join());
}
