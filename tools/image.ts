// Makes the container image of the command line with the library itself: an index with an image for each processor, of
// the executable with glibc and what it loads.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { emptyImage, emptyIndex, type Image, layerFromBytes, selectImage, validateIndex } from "../src/image/mod.ts";
import { createLayout, openLayout } from "../src/layout/mod.ts";
import { annotate, appendLayers, appendManifests, changeImage, changeIndex, extract } from "../src/mutate/mod.ts";
import { type TarNewEntry, writeTar } from "../src/tar/mod.ts";
import type { Binary } from "./binaries.ts";
import { fetchCLibraries } from "./debian.ts";
import { publicNames } from "./public_names.ts";
import { tryCommand } from "./trial.ts";

const run = promisify(execFile);

/** The user of the image, as in other images without a shell. */
const USER = 65532;
const COMMAND = "usr/local/bin/gcrane";
const HOME = "home/nonroot";

/** The executables in the image, by the names of their architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: "linux-x64", arm64: "linux-arm64" };

/** What an image is made of. */
export interface ImageOptions {
  readonly version: string;
  /** The executables of a release; those of {@linkcode ARCHITECTURES} must be among them. */
  readonly binaries: readonly Binary[];
  /** The time of the sources. */
  readonly created: Date;
}

/** Makes the image as an OCI layout in a folder. */
export async function makeImage(folder: string, { version, binaries, created }: ImageOptions): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "gcrane_image_"));
  try {
    const libraries = await fetchCLibraries(Object.keys(ARCHITECTURES), work);
    const licences = dirname(binaries[0].path);
    const images: Image[] = [];
    for (const [architecture, name] of Object.entries(ARCHITECTURES)) {
      const { path } = binaries.find(({ platform }) => platform.name === name)!;
      const library = libraries.get(architecture)!;
      const layers = await Promise.all([
        layerOf([...library.entries, ...userFiles()]),
        layerOf([
          file(COMMAND, readFileSync(path), 0o755),
          ...["LICENSE", "THIRD_PARTY_NOTICES"].map((name) =>
            file(`usr/share/doc/gcrane/${name}`, readFileSync(join(licences, name)))
          ),
        ]),
      ]);
      const base = appendLayers(emptyImage({ platform: `linux/${architecture}` }), [
        {
          layer: layers[0],
          history: { created_by: `libc6 ${library.version} of Debian`, created: created.toISOString() },
        },
        { layer: layers[1], history: { created_by: `gcrane ${version}`, created: created.toISOString() } },
      ]);
      const image = changeImage(base, {
        created,
        entrypoint: [`/${COMMAND}`],
        user: `${USER}:${USER}`,
        workdir: `/${HOME}`,
        env: { PATH: "/usr/local/bin", HOME: `/${HOME}` },
        labels: annotations(version),
      });
      images.push(annotate(image, annotations(version)));
    }
    const members = images.map((member) => ({ member }));
    const index = changeIndex(appendManifests(emptyIndex(), members), { annotations: annotations(version) });
    const layout = await createLayout(folder);
    await layout.appendIndex(index, { refName: version });
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** What registries show of the image, as labels and as annotations. */
function annotations(version: string): Record<string, string> {
  const { repository } = publicNames;
  return {
    "org.opencontainers.image.title": "gcrane",
    "org.opencontainers.image.description":
      "Container images and registries: inspect, build, copy, save, check, serve.",
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.licenses": "Apache-2.0",
    ...repository === undefined ? {} : { "org.opencontainers.image.source": repository },
  };
}

/** The user, its home, a folder to mount a volume at, and the folder of temporary files. */
function userFiles(): TarNewEntry[] {
  return [
    file("etc/passwd", `root:x:0:0::/root:/\nnonroot:x:${USER}:${USER}::/${HOME}:/\n`),
    file("etc/group", `root:x:0:\nnonroot:x:${USER}:\n`),
    file("etc/nsswitch.conf", "hosts: files dns\n"),
    ...[HOME, "data"].map((path) => ({ path, type: "directory" as const, mode: 0o755, uid: USER, gid: USER })),
    { path: "tmp", type: "directory", mode: 0o1777 },
  ];
}

function file(path: string, content: string | Uint8Array, mode = 0o644): TarNewEntry {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content);
  return { path, mode, content: bytes };
}

async function layerOf(entries: readonly TarNewEntry[]) {
  return await layerFromBytes(new Uint8Array(await new Response(writeTar(entries)).arrayBuffer()));
}

/**
 * Checks the layout: everything in it is valid, and the image of this machine's processor runs with its files alone, and
 * the mounts of /proc and /dev that any container has.
 */
export async function checkImage(folder: string, version: string): Promise<void> {
  const listed = (await openLayout(folder)).index();
  await validateIndex(listed);
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const image = await selectImage(listed, `linux/${architecture}`);
  const work = mkdtempSync(join(tmpdir(), "gcrane_root_"));
  try {
    const [archive, root] = [join(work, "files.tar"), join(work, "root")];
    writeFileSync(archive, new Uint8Array(await new Response(extract(image)).arrayBuffer()));
    mkdirSync(root);
    await run("tar", ["-xf", archive, "-C", root]);
    const isRoot = process.getuid?.() === 0;
    const script = 'for name in proc dev; do mkdir -p "$0/$name"; mount --rbind "/$name" "$0/$name"; done; exec "$@"';
    const words = [
      ...["unshare", "--mount", ...isRoot ? [] : ["--map-root-user"]],
      ...["sh", "-euc", script, root, "chroot", ...isRoot ? [`--userspec=${USER}:${USER}`] : [], root, `/${COMMAND}`],
    ];
    const env = { HOME: `/${HOME}`, PATH: "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin" };
    await tryCommand(words, version, { cwd: "/", env });
  } finally {
    rmSync(work, { recursive: true });
  }
}
