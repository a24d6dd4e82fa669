import type { LayerCache } from "../cache/mod.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import { wholeContents } from "./file_set.ts";
import type { Lock, LockedPackage } from "./locked_package.ts";
import type { PackageContent } from "./package_content.ts";
import { PackageRegistries, PackageSource, withPlatforms } from "./packages/mod.ts";
import type { ProjectFiles } from "./project_files.ts";

/** How packages are fetched. */
export interface FetchPackagesOptions {
  /** Keeps verified packages. */
  readonly cache?: LayerCache;
  /** Sends requests to package registries. */
  readonly fetch?: typeof fetch;
  /** Returns the value of an environment variable, such as npm_config_registry. */
  readonly environment?: (name: string) => string | undefined;
}

/** Fetches the packages that are not installed. Reads no setting and asks no server before the first of them. */
export class FetchedPackages {
  readonly #source: () => Promise<PackageSource>;

  constructor(files: ProjectFiles, { cache, fetch, environment }: FetchPackagesOptions = {}) {
    this.#source = lazy(async () => {
      const registries = await PackageRegistries.read({ files, environment });
      return new PackageSource({ registries, cache, fetch });
    });
  }

  /** Returns the files of a package. @throws {PackageError} if it can't be fetched or verified. */
  async open(locked: LockedPackage, options: AbortOptions = {}): Promise<PackageContent> {
    const { manifest, files, read } = await (await this.#source()).open(locked, options);
    const { integrity: version, paths: folders } = locked;
    return {
      manifest,
      folders,
      *list() {
        for (const file of files) yield { ...file, type: "file", version };
      },
      contents: wholeContents(read),
      isInstalled: false,
    };
  }

  /** Returns a lock with the platforms of its optional packages, which the registry has if the lock has not. */
  async withPlatforms(lock: Lock, options: AbortOptions = {}): Promise<Lock> {
    if (!lock.lacksPlatforms || !lock.packages.some(({ optional }) => optional)) return lock;
    return await withPlatforms(lock, await this.#source(), options);
  }
}
