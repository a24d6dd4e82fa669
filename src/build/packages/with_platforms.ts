import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Lock, LockedPackage } from "../locked_package.ts";
import { platformFields } from "../locks/mod.ts";
import type { PackageSource } from "./package_source.ts";

/** How many packages are asked for together. */
const CONCURRENCY = 8;

/**
 * Returns a lock with what its optional packages are made for, which the registry has where the form of the lock has
 * no place for it.
 */
export async function withPlatforms(lock: Lock, source: PackageSource, options: AbortOptions = {}): Promise<Lock> {
  if (!lock.lacksPlatforms) return lock;
  const packages = await mapConcurrent(
    lock.packages,
    { concurrency: CONCURRENCY, ...options },
    async (locked, signal) => {
      if (!locked.optional || locked.from !== "npm") return locked;
      return { ...locked, ...platformFields(await source.describe(locked, { signal })) } satisfies LockedPackage;
    },
  );
  return { ...lock, packages, lacksPlatforms: false };
}
