// The C library of the image, from Debian's packages, by the apt of this machine: with lists of its own, so that nothing
// of the machine changes, and for any processor.

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { readTar, type TarNewEntry } from "../src/tar/mod.ts";

const run = promisify(execFile);

/** What an executable with Bun loads, what glibc itself loads for the names of hosts, and its licence. */
const FILES =
  /^(lib(64)?\/([\w-]+\/)?(ld-linux[\w.-]*|lib(c|dl|m|pthread|resolv|nss_dns|nss_files)\.so\.\d+)|usr\/share\/doc\/libc6\/copyright)$/;

/** A C library. */
export interface CLibrary {
  /** The version of the package. */
  readonly version: string;
  /** Its files, as entries of a tar archive. */
  readonly entries: readonly TarNewEntry[];
}

/** Fetches the C library for some architectures, by their names in Debian, which Docker uses too. */
export async function fetchCLibraries(
  architectures: readonly string[],
  folder: string,
): Promise<Map<string, CLibrary>> {
  for (const name of ["lists/partial", "cache"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "status"), "");
  const settings = [
    `APT::Architecture=${architectures[0]}`,
    `APT::Architectures=${architectures.join()}`,
    `Dir::State::Lists=${join(folder, "lists")}`,
    `Dir::State::status=${join(folder, "status")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "APT::Sandbox::User=",
  ];
  const apt = (...args: string[]) =>
    run("apt-get", ["-qq", ...settings.flatMap((setting) => ["-o", setting]), ...args], { cwd: folder });
  await apt("update");
  await apt("download", ...architectures.map((architecture) => `libc6:${architecture}`));

  const found = new Map<string, CLibrary>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
    const [, version, architecture] = /^libc6_(.*)_(\w+)\.deb$/.exec(file)!;
    found.set(architecture, { version: decodeURIComponent(version), entries: await entriesOf(join(folder, file)) });
  }
  return found;
}

/** Reads the files of a package that the image needs. */
async function entriesOf(path: string): Promise<TarNewEntry[]> {
  const { stdout } = await run("dpkg-deb", ["--fsys-tarfile", path], { encoding: "buffer", maxBuffer: 2 ** 28 });
  const entries: TarNewEntry[] = [];
  for await (const entry of readTar(new Blob([new Uint8Array(stdout)]).stream())) {
    // Later Debians have these folders in usr, and links to them that are not part of the package.
    const path = entry.path.replace(/^\.\//, "").replace(/^usr\/lib/, "lib");
    if (!FILES.test(path)) continue;
    const { type, mode, mtime, linkname } = entry;
    entries.push({ path, type, mode, mtime, linkname, content: type === "file" ? await entry.bytes() : undefined });
  }
  return entries;
}
