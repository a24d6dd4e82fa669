// What the recipes of docs/cookbook.md find in the registry.

import { crane } from "../../mod.ts";
import { emptyImage, emptyIndex, type Image, layerFromBytes } from "../../src/image/mod.ts";
import { appendLayers, appendManifests, changeImage } from "../../src/mutate/mod.ts";
import { type TarNewEntry, writeTar } from "../../src/tar/mod.ts";
import { collect } from "../make/streams.ts";
import { utf8 } from "../make/bytes.ts";

/** How many images are rebased. */
export const FLEET = 100;

/** An image with another layer on top, of these files. */
export async function withFiles(base: Image, files: Record<string, string>): Promise<Image> {
  const entries = Object.entries(files).map(([path, text]): TarNewEntry => ({ path, content: utf8(text) }));
  return appendLayers(base, [await layerFromBytes(await collect(writeTar(entries)))]);
}

/** Puts onto the registry what the recipes start with. */
export async function setStage(registry: string): Promise<void> {
  const push = (view: Parameters<typeof crane.push>[0], name: string) => crane.push(view, `${registry}/${name}`);
  const empty = emptyImage({ platform: { os: "linux", architecture: "amd64" } });
  const base = await withFiles(empty, { "etc/os-release": "VERSION=1\n", "lib/libssl.so": "vulnerable\n" });
  const patched = await withFiles(empty, { "etc/os-release": "VERSION=1.1\n", "lib/libssl.so": "patched\n" });
  await push(base, "base:v1");
  await push(patched, "base:v2");
  await Promise.all(Array.from({ length: FLEET }, async (_, number) => {
    const app = await withFiles(base, { [`app/${number}`]: `app ${number}\n` });
    await push(changeImage(app, { cmd: [`/app/${number}`] }), `fleet/app${number}:v1`);
  }));

  const platforms = ["amd64", "arm64", "s390x"].map((architecture) => ({ os: "linux", architecture }));
  const images = platforms.map((platform) => changeImage(base, { platform }));
  await push(appendManifests(emptyIndex(), images), "multi:v1");
  await push(appendManifests(emptyIndex(), images.slice(1)), "multi:v2");

  // Has the content of distroless: no shell, certificates, a non-root user.
  const distroless = await withFiles(empty, {
    "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    "etc/ssl/certs/ca-certificates.crt": "-----BEGIN CERTIFICATE-----\n",
  });
  await push(changeImage(distroless, { workdir: "/", env: { PATH: "/usr/bin:/bin" } }), "distroless/static:latest");

  const cache = Array.from({ length: 20_000 }, (_, line) => `package ${line * 7919 % 10_007}\n`).join("");
  const installed = await withFiles(base, { "var/cache/packages": cache, "usr/bin/tool": "tool\n" });
  await push(await withFiles(installed, { "var/cache/.wh.packages": "" }), "bloated:v1");
}
