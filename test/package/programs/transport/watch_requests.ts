import { assert, assertEquals } from "@std/assert";
import { push } from "@gcrane/gcrane/crane";
import { emptyImage } from "@gcrane/gcrane/image";
import { parseRegistry } from "@gcrane/gcrane/name";
import { Connection, parseChallenges, type RequestEvent } from "@gcrane/gcrane/transport";
import type { World } from "../world.ts";

/** Reads a registry's challenge, and watches the requests of a push. */
export default async function ({ closed, repository }: World): Promise<void> {
  const { challenge } = await new Connection(parseRegistry(closed)).ping();
  assertEquals(challenge?.scheme, "bearer");
  assertEquals(parseChallenges(['Bearer realm="https://a.example.com/token"'])[0].parameters, {
    realm: "https://a.example.com/token",
  });
  const requests: RequestEvent[] = [];
  await push(emptyImage(), `${repository}:v1`, { onRequest: (event) => requests.push(event) });
  assert(
    requests.some(({ method, status, url }) => method === "PUT" && status === 201 && url.includes("/manifests/v1")),
  );
}
