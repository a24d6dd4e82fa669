import { assertEquals } from "@std/assert";
import { configFile, mutate, push } from "@gcrane/gcrane/crane";
import { randomIndex } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Sets a label in the images of all platforms. */
export default async function ({ repository }: World): Promise<void> {
  const platforms = ["linux/amd64", "linux/arm64"];
  await push(randomIndex({ seed: 1, platforms }), `${repository}:v1`);
  const changed = await mutate(`${repository}:v1`, { labels: { team: "web" } }, { tag: `${repository}:v2` });
  for (const platform of platforms) {
    const { config } = await configFile(changed, { platform });
    assertEquals(config?.Labels, { team: "web" });
  }
}
