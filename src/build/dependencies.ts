import { BuildError } from "../errors.ts";
import { type AbortOptions, isObject, jsonObject, lazy, mapConcurrent } from "../io/mod.ts";
import type { Platform } from "../spec/mod.ts";
import type { FetchedPackages } from "./fetched_packages.ts";
import { contentsIn, wholeContents } from "./image_files.ts";
import { type InstalledPackage, InstalledPackages, listInstalled } from "./installed.ts";
import { checkLinks } from "./links.ts";
import type { Lock, LockedPackage } from "./locked_package.ts";
import { checkNative } from "./native_modules.ts";
import type { BuiltPackage, PackageContent } from "./package_content.ts";
import { platformFields } from "./locks/mod.ts";
import { cachedNpmFolder, type CLibrary, type JsrFile, jsrFiles, packagesFor } from "./packages/mod.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** Options of {@linkcode Dependencies}. */
export interface DependenciesOptions {
  readonly files: ProjectFiles;
  /** Fetches what is not installed. */
  readonly fetched: FetchedPackages;
  /** The lock, for its packages of JSR, which are looked for together. */
  readonly lock: Lock;
  /** Deno's cache. */
  readonly denoDir?: ProjectFiles;
  /** Packages that work without their install scripts. */
  readonly ignoreScripts?: readonly string[];
}

/** How many packages are looked for together. */
const CONCURRENCY = 2;

/** The packages of a lock with their files: from node_modules where they are installed, else fetched. */
export class Dependencies {
  readonly #options: DependenciesOptions;
  readonly #installed: InstalledPackages;
  readonly #jsr = lazy(() =>
    jsrFiles(this.#options.lock, { files: this.#options.files, cache: this.#options.denoDir })
  );
  readonly #built = new Map<LockedPackage, Promise<BuiltPackage>>();

  constructor(options: DependenciesOptions) {
    this.#options = options;
    this.#installed = new InstalledPackages(options.files);
  }

  /**
   * Returns the part of a lock for a platform and a C library, and its packages in the lock's order.
   *
   * @throws {BuildError} if one works only after its install script has run, and what that makes is not there.
   */
  async forPlatform(
    whole: Lock,
    { platform, libc }: { platform: Platform; libc: CLibrary },
    { signal }: AbortOptions = {},
  ): Promise<{ lock: Lock; packages: BuiltPackage[] }> {
    const { ignoreScripts = [] } = this.#options;
    const pool = { concurrency: CONCURRENCY, signal };
    const chosen = packagesFor(whole, platform, libc);
    const installed = chosen.packages.filter(({ from }) => from !== "workspace");
    const built = new Map(
      await mapConcurrent(installed, pool, async (one) => [one, await this.#package(one)] as const),
    );
    const lock = fittingByManifest(chosen, built, { platform, libc });
    const packages = lock.packages.flatMap((one) => built.get(one) ?? []);
    await mapConcurrent(packages, pool, async (one) => {
      if (!ignoreScripts.includes(one.locked.name)) await checkNative(one, { platform, lock });
    });
    return { lock, packages };
  }

  #package(locked: LockedPackage): Promise<BuiltPackage> {
    const known = this.#built.get(locked);
    if (known !== undefined) return known;
    const built = this.#content(locked).then((content) => {
      const { name, version } = locked;
      checkPaths(content.files, `${name}@${version}`);
      return { locked, content, size: content.files.reduce((sum, { size }) => sum + size, 0) };
    });
    this.#built.set(locked, built);
    return built;
  }

  async #content(locked: LockedPackage): Promise<PackageContent> {
    const { files, fetched, denoDir } = this.#options;
    if (locked.from === "jsr") return jsrContent((await this.#jsr()).get(locked) ?? []);
    const installed = await this.#installed.find(locked);
    if (installed !== undefined) return withPrograms(await contentOf(installed, files));
    const cached = denoDir && await cachedNpmFolder(locked, denoDir);
    if (denoDir === undefined || cached === undefined) return withPrograms(await fetched.open(locked));
    const bytes = await denoDir.read(`${cached}/package.json`);
    const manifest = jsonObject(new TextDecoder().decode(bytes)) ?? {};
    return withPrograms({ ...await contentOf({ folder: cached, manifest }, denoDir), isInstalled: false });
  }
}

/**
 * Returns the part of a lock that fits a C library by the package.json of each package: the locks of npm 10 and earlier
 * do not have it.
 */
function fittingByManifest(
  lock: Lock,
  built: ReadonlyMap<LockedPackage, BuiltPackage>,
  { platform, libc }: { platform: Platform; libc: CLibrary },
): Lock {
  const byKnown = new Map(lock.packages.map((one) => {
    const own = platformFields(built.get(one)?.content.manifest ?? {}).libc;
    return [one.libc === undefined && own !== undefined ? { ...one, libc: own } : one, one];
  }));
  const fitting = packagesFor({ ...lock, packages: [...byKnown.keys()] }, platform, libc);
  return { ...fitting, packages: fitting.packages.map((one) => byKnown.get(one)!) };
}

async function contentOf(installed: InstalledPackage, files: ProjectFiles): Promise<PackageContent> {
  const { folder, manifest } = installed;
  const listed = await listInstalled(installed, files);
  return { manifest, files: listed, contents: contentsIn(files, folder), isInstalled: true };
}

/** Returns the content of a package of JSR: files of which the paths are relative to the project. */
function jsrContent(files: readonly JsrFile[]): PackageContent {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return {
    manifest: {},
    files: files.map(({ path, size, version }) => ({ path, type: "file", size, executable: false, version })),
    contents: wholeContents(({ path }) => byPath.get(path)!.read()),
    isInstalled: true,
  };
}

/** Returns the content with its programs executable: package managers set that when they install. */
function withPrograms(content: PackageContent): PackageContent {
  const { bin } = content.manifest;
  const values = isObject(bin) ? Object.values(bin) : [bin];
  const programs = new Set(values.map((path) => typeof path === "string" ? path.replace(/^(?:\.?\/)+/, "") : ""));
  const files = content.files.map((file) =>
    programs.has(file.path) && !file.executable ? { ...file, executable: true } : file
  );
  return { ...content, files };
}

/** @throws {BuildError} if a file or a link of a package is out of its folder. */
function checkPaths(files: readonly ProjectFile[], id: string): void {
  try {
    checkLinks(files);
  } catch (error) {
    throw new BuildError(`${id}: ${(error as Error).message.replace("the project", "the package")}`, { cause: error });
  }
  const outside = files.find(({ path }) => path.startsWith("/") || path.split("/").includes(".."));
  if (outside) throw new BuildError(`${id} has the file ${outside.path}, which is not in its folder`);
}
