import { BuildError } from "../errors.ts";
import { type AbortOptions, isObject, jsonObject, lazy, mapConcurrent, Semaphore } from "../io/mod.ts";
import type { Platform } from "../spec/mod.ts";
import type { FetchedPackages } from "./fetched_packages.ts";
import { contentsIn, factsOf, wholeContents } from "./file_set.ts";
import { hasBundled, type InstalledPackage, InstalledPackages, listInstalled } from "./installed.ts";
import { checkLinks } from "./links.ts";
import type { Lock, LockedPackage } from "./locked_package.ts";
import { checkNative, isNativeModule } from "./native_modules.ts";
import type { BuiltPackage, PackageContent } from "./package_content.ts";
import { platformFields } from "./locks/mod.ts";
import {
  cachedNpmFolder,
  type CLibrary,
  hasInstallScript,
  type JsrFile,
  jsrFiles,
  packagesFor,
} from "./packages/mod.ts";
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
const CONCURRENCY = 16;
/** How many packages are listed together: it is work of this machine, where more take memory and no less time. */
const LISTED_TOGETHER = 2;

/** The packages of a lock with their files: from node_modules where they are installed, else fetched. */
export class Dependencies {
  readonly #options: DependenciesOptions;
  readonly #installed: InstalledPackages;
  readonly #jsr = lazy(() =>
    jsrFiles(this.#options.lock, { files: this.#options.files, cache: this.#options.denoDir })
  );
  readonly #listing = new Semaphore(LISTED_TOGETHER);
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
    const known = this.#built.get(locked) ??
      this.#content(locked).then((content) => this.#listing.run(() => builtOf(locked, content)));
    this.#built.set(locked, known);
    return known;
  }

  async #content(locked: LockedPackage): Promise<PackageContent> {
    const { files, fetched, denoDir } = this.#options;
    if (locked.from === "jsr") return jsrContent(locked, (await this.#jsr()).get(locked)!);
    const folders = locked.paths;
    const installed = await this.#installed.find(locked);
    if (installed !== undefined) return { ...contentOf(installed, files), folders };
    const cached = denoDir && await cachedNpmFolder(locked, denoDir);
    if (denoDir === undefined || cached === undefined) return await fetched.open(locked);
    const bytes = await denoDir.read(`${cached}/package.json`);
    const manifest = jsonObject(new TextDecoder().decode(bytes)) ?? {};
    return { ...contentOf({ folder: cached, manifest }, denoDir), folders, isInstalled: false };
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
    const own = built.get(one)?.libc;
    return [one.libc === undefined && own !== undefined ? { ...one, libc: own } : one, one];
  }));
  const fitting = packagesFor({ ...lock, packages: [...byKnown.keys()] }, platform, libc);
  return { ...fitting, packages: fitting.packages.map((one) => byKnown.get(one)!) };
}

function contentOf({ folder, manifest }: InstalledPackage, files: ProjectFiles): Omit<PackageContent, "folders"> {
  const options = { hasBundled: hasBundled(manifest) };
  const list = () => listInstalled(files, folder, options);
  return { manifest, list, contents: contentsIn(files, folder), isInstalled: true };
}

/** Returns the content of a package of JSR, whose files lie in a folder of `vendor`. */
function jsrContent({ name }: LockedPackage, files: readonly JsrFile[]): PackageContent {
  const [{ path }] = files;
  const folder = path.slice(0, path.indexOf(`/${name}/`) + 1 + name.length);
  const own = new Map(files.map((file) => [file.path.slice(folder.length + 1), file]));
  return {
    manifest: {},
    folders: [folder],
    *list() {
      for (const [path, { size, version }] of own) yield { path, type: "file", size, executable: false, version };
    },
    contents: wholeContents(({ path }) => own.get(path)!.read()),
    isInstalled: true,
  };
}

/**
 * Lists the files of a package once, for what a build needs to know of them.
 *
 * @throws {BuildError} if a file or a link of the package is out of its folder.
 */
async function builtOf(locked: LockedPackage, content: PackageContent): Promise<BuiltPackage> {
  const { manifest, folders, contents, isInstalled } = content;
  const id = `${locked.name}@${locked.version}`;
  const list = withPrograms(content);
  const links: ProjectFile[] = [];
  const modules: ProjectFile[] = [];
  let hasBindingGyp = false;
  const facts = await factsOf({ list, contents }, (file) => {
    const { path } = file;
    if (path.startsWith("/") || path.split("/").includes("..")) {
      throw new BuildError(`${id} has the file ${path}, which is not in its folder`);
    }
    if (file.type === "link") links.push(file);
    if (isNativeModule(file)) modules.push(file);
    hasBindingGyp ||= path === "binding.gyp";
  });
  try {
    checkLinks(links);
  } catch (error) {
    throw new BuildError(`${id}: ${(error as Error).message.replace("the project", "the package")}`, { cause: error });
  }
  const hasScript = hasInstallScript(locked, manifest, hasBindingGyp);
  const { license } = manifest;
  const { libc } = platformFields(manifest);
  return { locked, list, contents, folders, isInstalled, facts, modules, hasScript, license, libc };
}

/** Returns a list in which programs are executable: package managers set that when they install. */
function withPrograms({ list, manifest: { bin } }: PackageContent): PackageContent["list"] {
  const values = isObject(bin) ? Object.values(bin) : [bin];
  const programs = new Set(values.map((path) => typeof path === "string" ? path.replace(/^(?:\.?\/)+/, "") : ""));
  return async function* () {
    for await (const file of list()) yield programs.has(file.path) ? { ...file, executable: true } : file;
  };
}
