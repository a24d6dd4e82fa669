import { assertEquals } from "@std/assert";
import { type ProgressEvent, randomImage } from "@gcrane/gcrane/image";
import { Client, Puller, Pusher } from "@gcrane/gcrane/remote";
import { bytesOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Pushes with progress, and pulls with the same client. */
export default async function ({ repository }: World): Promise<void> {
  const client = new Client();
  const events: ProgressEvent[] = [];
  const image = randomImage({ seed: 1, layers: 2, size: 50_000 });
  const digest = await new Pusher({ client, onProgress: (event) => events.push(event) }).push(
    `${repository}:v1`,
    image,
  );
  assertEquals(digest, await image.digest());
  assertEquals(events.filter(({ state }) => state === "done").length >= 3, true);
  const pulled = await new Puller({ client }).image(`${repository}:v1`);
  const [layer] = await pulled.layers();
  assertEquals((await bytesOf(await layer.compressed())).length, await layer.size());
}
