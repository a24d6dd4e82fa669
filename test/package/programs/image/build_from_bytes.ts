import { assertEquals } from "@std/assert";
import { extract, pull, push } from "@gcrane/gcrane/crane";
import { emptyImage, layerFromBytes } from "@gcrane/gcrane/image";
import { appendLayers, changeImage } from "@gcrane/gcrane/mutate";
import { writeTar } from "@gcrane/gcrane/tar";
import { bytesOf, encode, filesOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Builds an image in memory, and pushes it. */
export default async function ({ repository }: World): Promise<void> {
  const content = encode("console.log(1);\n");
  const layer = await layerFromBytes(await bytesOf(writeTar([{ path: "app/main.js", content }])));
  const image = changeImage(appendLayers(emptyImage({ platform: "linux/amd64" }), [layer]), {
    entrypoint: ["node", "/app/main.js"],
    labels: { "org.opencontainers.image.title": "app" },
  });
  await push(image, `${repository}:v1`);
  const pulled = await pull(`${repository}:v1`);
  assertEquals((await pulled.configFile()).config?.Entrypoint, ["node", "/app/main.js"]);
  assertEquals(await filesOf(extract(pulled)), { "app/main.js": "console.log(1);\n" });
}
