import { BuildError } from "../errors.ts";
import { type Bytes, type ByteStream, concat } from "../runtime/mod.ts";
import { type Platform, platformString } from "../spec/mod.ts";
import { ELF_HEADER, elfArchitecture } from "./elf.ts";
import type { FileContents } from "./file_set.ts";
import type { Lock } from "./locked_package.ts";
import type { BuiltPackage } from "./package_content.ts";
import type { ProjectFile } from "./project_files.ts";

/** Where a package is to run. */
interface Surroundings {
  readonly platform: Platform;
  /** The part of the lock for the platform. */
  readonly lock: Lock;
}

/**
 * Checks that a package has what it needs for a platform. Its install script, which never runs here, is no matter if
 * the package has libraries for the platform, or if packages made for the platform bring them.
 *
 * @throws {BuildError} if its install script has to run, or its libraries are for other platforms.
 */
export async function checkNative(built: BuiltPackage, surroundings: Surroundings): Promise<void> {
  const { locked, modules, contents, hasScript, isInstalled } = built;
  const { platform } = surroundings;
  const id = `${locked.name}@${locked.version}`;
  const remedy = "take a package that has binaries for it";
  if (await isForPlatform(modules, { what: id, contents, platform, remedy })) return;
  const wanted = platformString(platform);
  if (!hasScript || bringsBinaries(built, surroundings)) return;
  const why = isInstalled
    ? `node_modules does not hold what it makes for ${wanted}`
    : "no build runs it, and the package is not installed in node_modules";
  throw new BuildError(`${id} has an install script, which fetches or compiles: ${why}`, {
    hint: `install it on ${wanted}, or pass --ignore-script ${locked.name} if it works without`,
  });
}

/**
 * Checks that an app that has native modules has some for a platform: those that it compiles, and those in the
 * node_modules of a bundle.
 *
 * @throws {BuildError} if all are for other platforms.
 */
export async function checkNativeApp(
  files: readonly ProjectFile[],
  { contents, platform }: { contents: FileContents; platform: Platform },
): Promise<void> {
  const remedy = "leave them out with --exclude";
  await isForPlatform(files.filter(isNativeModule), { what: "the app", contents, platform, remedy });
}

/** Returns whether a file is a native module, by its name. */
export function isNativeModule({ path, type }: ProjectFile): boolean {
  return type === "file" && path.endsWith(".node");
}

/** Returns whether one of native modules is for a platform. @throws {BuildError} if all are for other platforms. */
async function isForPlatform(
  modules: readonly ProjectFile[],
  { what, contents, platform, remedy }: { what: string; contents: FileContents; platform: Platform; remedy: string },
): Promise<boolean> {
  const architectures = await Promise.all(modules.map((file) => architectureOf(contents.stream(file))));
  if (modules.length === 0 || architectures.includes(platform.architecture)) return modules.length > 0;
  const found = [...new Set(architectures.map((one) => one ?? "another operating system"))].sort();
  const wanted = platformString(platform);
  throw new BuildError(`${what} has native modules for ${found.join(", ")} and none for ${wanted}`, {
    hint: `build on ${wanted}, leave that platform out with --platform, or ${remedy}`,
  });
}

/** Returns whether packages made for the platform alone bring the binaries, as those of sharp and esbuild do. */
function bringsBinaries({ locked }: BuiltPackage, { lock }: Surroundings): boolean {
  const dependencies = new Set(locked.dependencies);
  return lock.packages.some(({ name, version, os, cpu }) =>
    (os !== undefined || cpu !== undefined) && dependencies.has(`${name}@${version}`)
  );
}

/** Returns the architecture of a library; `undefined` for one that is not for Linux. */
export async function architectureOf(library: ByteStream): Promise<string | undefined> {
  const reader = library.getReader();
  const chunks: Bytes[] = [];
  let length = 0;
  while (length < ELF_HEADER) {
    const { value } = await reader.read();
    if (value === undefined) break;
    chunks.push(value);
    length += value.length;
  }
  await reader.cancel();
  return elfArchitecture(concat(chunks));
}
