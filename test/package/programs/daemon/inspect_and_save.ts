import { assertEquals } from "@std/assert";
import { DockerEngine } from "@gcrane/gcrane/daemon";
import { randomImage } from "@gcrane/gcrane/image";
import { imageFromTarball, tarballBytes, writeTarball } from "@gcrane/gcrane/tarball";
import { bytesOf } from "../contents.ts";

/** Reads what a Docker Engine has of an image, and saves it. */
export default async function (): Promise<void> {
  const image = randomImage({ seed: 1 });
  const { os, architecture, rootfs } = await image.configFile();
  const id = await image.configName();
  const inspection = { Id: id, Os: os, Architecture: architecture, RootFS: { Layers: rootfs.diff_ids } };
  const engine = new DockerEngine({
    fetch: (input) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      if (pathname.endsWith("/images/get")) return Promise.resolve(new Response(writeTarball([{ image }])));
      const answer = pathname.endsWith("/json") ? Response.json(inspection) : new Response("OK");
      answer.headers.set("API-Version", "1.41");
      return Promise.resolve(answer);
    },
  });
  assertEquals((await engine.inspect("app")).diffIds, rootfs.diff_ids);
  const saved = await imageFromTarball(tarballBytes(await bytesOf(await engine.save("app"))));
  assertEquals(await saved.configName(), id);
}
