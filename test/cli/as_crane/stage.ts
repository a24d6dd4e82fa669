import { crane } from "../../../mod.ts";
import { emptyImage, emptyIndex, type Image, layerFromBytes } from "../../../src/image/mod.ts";
import { appendLayers, appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { type TarNewEntry, writeTar } from "../../../src/tar/mod.ts";
import { utf8 } from "../../make/bytes.ts";
import { collect } from "../../make/streams.ts";

/** Returns an image with files on top. */
async function withFiles(base: Image, files: Record<string, string>): Promise<Image> {
  const entries = Object.entries(files).map(([path, text]): TarNewEntry => ({ path, content: utf8(text) }));
  return appendLayers(base, [await layerFromBytes(await collect(writeTar(entries)))]);
}

/** Puts the images of crane's documentation onto a registry, under the paths that their names have. */
export async function setStage(registry: string): Promise<void> {
  const push = (view: Parameters<typeof crane.push>[0], name: string) => crane.push(view, `${registry}/${name}`);
  const image = (architecture: string, files: Record<string, string>) =>
    withFiles(emptyImage({ platform: { os: "linux", architecture } }), files);
  const passwd = { "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" };
  const platforms = await Promise.all(["amd64", "arm64", "s390x"].map((name) => image(name, passwd)));
  const ubuntu = appendManifests(emptyIndex(), platforms);
  for (const tag of ["latest", "v0"]) await push(ubuntu, `library/ubuntu:${tag}`);
  await push(platforms[0], "library/ubuntu:amd64");
  await push(await image("amd64", { ...passwd, "etc/patched": "1\n" }), "library/ubuntu:patched");
  const app = changeImage(await withFiles(platforms[0], { "bin/myapp": "#!/bin/sh\n" }), {
    entrypoint: ["/bin/myapp"],
  });
  await push(app, "library/my-app:latest");
  await push(await image("amd64", { hello: "hello\n" }), "library/hello-world:latest");
  for (const version of ["1.32", "1.33"]) {
    await push(await image("amd64", { "bin/busybox": version }), `library/busybox:${version}`);
  }
  for (const version of ["v1.6.0-debug", "v1.7.0-debug"]) {
    await push(
      await image("amd64", { "kaniko/executor": `${version}\n` + version.slice(4) }),
      `kaniko-project/executor:${version}`,
    );
    if (version === "v1.7.0-debug") {
      await push(await image("amd64", { "kaniko/executor": "a longer text\n" }), `kaniko-project/executor:${version}`);
    }
  }
  await push(await image("amd64", { builder: "x".repeat(5000) }), "buildpacks/builder:v1");
  for (const name of ["amd64", "arm64"]) await push(await image(name, { etcd: name }), `etcd-${name}:3.4.9`);
}
