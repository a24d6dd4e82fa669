import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How large a sample to make. */
export interface SampleOptions {
  /** How many layers. */
  readonly layers: number;
  /** The bytes of files in all layers. */
  readonly bytes: number;
}

/**
 * Tarballs of real files of this machine (programs, libraries, texts), gzipped at level 6, to make layers of.
 *
 * @returns their paths
 */
export function sampleTarballs(folder: string, options: SampleOptions): string[] {
  mkdirSync(folder, { recursive: true });
  const each = options.bytes / options.layers;
  const files = realFiles();
  const paths: string[] = [];
  for (let layer = 0; layer < options.layers; layer++) {
    const chosen: string[] = [];
    for (let size = 0; size < each;) {
      const next = files.next();
      if (next.done) throw new Error("this machine has too few files for the sample");
      chosen.push(next.value.path);
      size += next.value.size;
    }
    const list = join(folder, `layer${layer}.txt`);
    writeFileSync(list, `${chosen.join("\n")}\n`);
    const tarball = join(folder, `layer${layer}.tar.gz`);
    // Absolute names lose their slash, about which tar warns.
    const tar = spawnSync("tar", ["-czf", tarball, "-T", list], { stdio: ["ignore", "ignore", "ignore"] });
    if (tar.status !== 0) throw new Error(`tar could not make ${tarball}`);
    paths.push(tarball);
  }
  return paths;
}

/** The bytes of some files, as stored and decompressed. */
export function sizes(paths: readonly string[]): { stored: number; raw: number } {
  const stored = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  const raw = paths.reduce((sum, path) => {
    const bytes = execFileSync("sh", ["-c", 'gzip -dc "$1" | wc -c', "sh", path], { encoding: "utf8" });
    return sum + Number(bytes);
  }, 0);
  return { stored, raw };
}

/** Regular files under /usr, small and large, in a fixed order. */
function* realFiles(): Generator<{ path: string; size: number }, void, undefined> {
  const waiting = ["/usr/bin", "/usr/lib", "/usr/share", "/usr/include", "/usr/local", "/opt"];
  for (let directory = waiting.shift(); directory !== undefined; directory = waiting.shift()) {
    let names: string[];
    try {
      names = readdirSync(directory).sort();
    } catch {
      continue;
    }
    for (const name of names) {
      const path = join(directory, name);
      const { size, isFile, isDirectory } = kindOf(path);
      if (isDirectory) waiting.push(path);
      if (isFile && size > 0 && size < 64_000_000 && !/[\n\\]/.test(path)) yield { path, size };
    }
  }
}

function kindOf(path: string): { size: number; isFile: boolean; isDirectory: boolean } {
  const stat = lstatSync(path);
  return { size: stat.size, isFile: stat.isFile(), isDirectory: stat.isDirectory() };
}

/** A tarball of one file of random bytes, which can't be compressed away. */
export function randomLayer(folder: string, megabytes: number): string {
  const [file, tarball] = [join(folder, "random.bin"), join(folder, `layer-${megabytes}.tar`)];
  execFileSync("sh", ["-c", 'head -c "$1" /dev/urandom > "$2"', "sh", String(megabytes * 1024 * 1024), file]);
  execFileSync("tar", ["-cf", tarball, "-C", folder, "random.bin"]);
  rmSync(file);
  return tarball;
}

/** Decompresses tarballs beside themselves, and returns the paths of the plain ones. */
export function plainTarballs(packed: readonly string[]): string[] {
  return packed.map((path) => {
    execFileSync("gzip", ["-dkf", path]);
    return path.replace(/\.gz$/, "");
  });
}
