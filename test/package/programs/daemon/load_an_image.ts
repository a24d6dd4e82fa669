import { assertEquals, assertStringIncludes } from "@std/assert";
import { DockerEngine, writeToDaemon } from "@gcrane/gcrane/daemon";
import type { ByteStream } from "@gcrane/gcrane/tar";
import { imageFromTarball, tarballBytes } from "@gcrane/gcrane/tarball";
import { imageOf } from "../contents.ts";

/** Loads an image into a Docker Engine. */
export default async function (): Promise<void> {
  const image = await imageOf({ "etc/motd": "hello" });
  let loaded = new Blob();
  const engine = new DockerEngine({
    fetch: async (input, init) => {
      const { url, body } = new Request(input, init);
      if (!url.includes("/images/load")) {
        return new Response("OK", { status: url.includes("/_ping") ? 200 : 404, headers: { "API-Version": "1.41" } });
      }
      loaded = await new Response(body as ByteStream).blob();
      return Response.json({ stream: "Loaded image: example.com/app:v1\n" });
    },
  });
  assertStringIncludes(await writeToDaemon(image, "example.com/app:v1", { engine }), "Loaded image");
  const found = await imageFromTarball(tarballBytes(loaded), { tag: "example.com/app:v1" });
  assertEquals(await found.rawConfigFile(), await image.rawConfigFile());
}
