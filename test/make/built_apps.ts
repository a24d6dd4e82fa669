import { emptyImage, emptyIndex, type Image, type ImageIndex, type Layer } from "../../src/image/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import {
  buildImage,
  type BuildImageOptions,
  type BuiltImage,
  type MemoryFile,
  memoryFiles,
} from "../../src/build/mod.ts";
import { readTar, type TarEntry } from "../../src/tar/mod.ts";

/** Returns an index of empty images for platforms. */
export function baseFor(...platforms: string[]): ImageIndex {
  return appendManifests(emptyIndex(), platforms.map((platform) => emptyImage({ platform })));
}

/** Builds an image of files in memory, on an empty base for linux/amd64 by default. */
export async function build(
  files: Readonly<Record<string, MemoryFile>>,
  options: Partial<BuildImageOptions> = {},
): Promise<BuiltImage> {
  return await buildImage({ files: memoryFiles(files), base: emptyImage({ platform: "linux/amd64" }), ...options });
}

/** An entry of a layer: its header, and its content as text. */
export type ReadEntry = Pick<TarEntry, "path" | "type" | "mode" | "uid" | "gid" | "mtime" | "linkname"> & {
  text: string;
};

/** Reads the entries of a layer. */
export async function entriesOf(layer: Layer): Promise<ReadEntry[]> {
  const found: ReadEntry[] = [];
  for await (const entry of readTar(await layer.uncompressed())) {
    const { path, type, mode, uid, gid, mtime, linkname } = entry;
    const text = type === "file" ? new TextDecoder().decode(await entry.bytes()) : "";
    found.push({ path, type, mode, uid, gid, mtime, linkname, text });
  }
  return found;
}

/** Returns the paths of all files and links in the layers that a build has made, by what the layers have. */
export async function pathsOf(
  { platforms: [{ layers }] }: Pick<BuiltImage, "platforms">,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { what, layer } of layers) {
    const entries = await entriesOf(layer);
    found[what] = entries.filter(({ type }) => type !== "directory").map(({ path }) => path);
  }
  return found;
}

/** Returns the config of the only image of a build. */
export async function configOf({ platforms: [{ image }] }: { platforms: readonly { image: Image }[] }) {
  return (await image.configFile()).config ?? {};
}

/** Returns the files of installed packages without dependencies, and their lock. */
export function npmProject(
  versions: Readonly<Record<string, string>>,
  files: Readonly<Record<string, MemoryFile>> = {},
  /** Optional packages for a processor each. */
  optional: Readonly<Record<string, string>> = {},
): Record<string, MemoryFile> {
  const optionalDependencies = Object.fromEntries(Object.keys(optional).map((name) => [name, "1.0.0"]));
  const entries = Object.entries({ ...versions, ...optionalDependencies });
  const asked = { dependencies: versions, ...Object.keys(optional).length > 0 && { optionalDependencies } };
  return {
    "package.json": JSON.stringify({ name: "app", main: "server.js", ...asked }),
    "package-lock.json": JSON.stringify({
      lockfileVersion: 3,
      packages: {
        "": asked,
        ...Object.fromEntries(entries.map(([name, version]) => [
          `node_modules/${name}`,
          { version, ...name in optional && { optional: true, os: ["linux"], cpu: [optional[name]] } },
        ])),
      },
    }),
    "server.js": "console.log(1);\n",
    ...Object.fromEntries(entries.flatMap(([name, version]) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version })],
      [`node_modules/${name}/index.js`, `export default ${JSON.stringify(`${name} ${version}`)};\n`],
    ])),
    ...files,
  };
}
