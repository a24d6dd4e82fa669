import { assertEquals } from "@std/assert";
import { dockerConfigKeychain, parseDockerConfig } from "@gcrane/gcrane/authn";
import { push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Signs in with the text of docker's config file. */
export default async function ({ closed }: World): Promise<void> {
  const text = JSON.stringify({ auths: { [closed]: { auth: btoa("ann:secret") } } });
  const keychain = dockerConfigKeychain(parseDockerConfig(text, "config.json"));
  const image = randomImage({ seed: 2 });
  assertEquals(
    await push(image, `${closed}/by-config:v1`, { keychain }),
    `${closed}/by-config@${await image.digest()}`,
  );
}
