import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { emptyImage, type Image, layerFromUncompressed } from "../../src/image/mod.ts";
import { appendLayers, changeImage } from "../../src/mutate/mod.ts";
import { type TarNewEntry, writeTar } from "../../src/tar/mod.ts";

/** The platform of this machine. */
export const ownPlatform = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;

/**
 * Returns an image with a program of this machine at `/usr/bin/NAME`, and the libraries that it needs, and that the
 * given native modules need.
 */
export function programBase(name: string, program: string, modules: readonly string[] = []): Image {
  const libraries = [program, ...modules].map((path) => execFileSync("ldd", [path], { encoding: "utf8" })).join("");
  const paths = new Set([...libraries.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(/gm)].map(([, path]) => path));
  const entries: TarNewEntry[] = [
    { type: "directory", path: "tmp/", mode: 0o1777 },
    fileEntry(program, `usr/bin/${name}`),
    ...[...paths].map((path) => fileEntry(path, path.slice(1))),
  ];
  const layer = layerFromUncompressed({ uncompressed: () => Promise.resolve(writeTar(entries)), compression: "none" });
  return changeImage(appendLayers(emptyImage({ platform: ownPlatform }), [layer]), {
    entrypoint: [`/usr/bin/${name}`],
    env: { PATH: "/usr/bin:/bin" },
  });
}

function fileEntry(from: string, path: string): TarNewEntry {
  return { path, mode: 0o755, size: statSync(from).size, content: () => new Uint8Array(readFileSync(from)) };
}
