import { PackageError } from "../../errors.ts";
import { type Platform, platformString } from "../../spec/mod.ts";
import type { Lock, LockedPackage } from "../locked_package.ts";
import { directDependencies } from "../locks/mod.ts";

/** The C library of a base image. */
export type CLibrary = "glibc" | "musl";

/** Node.js's names of processors by the image-spec's; others have the same name in both. */
const PROCESSORS: Readonly<Record<string, string>> = {
  amd64: "x64",
  "386": "ia32",
  loong64: "loong64",
  mips64le: "mips64el",
  mipsle: "mipsel",
  ppc64le: "ppc64",
};

/** Node.js's names of operating systems by the image-spec's; others have the same name in both. */
const SYSTEMS: Readonly<Record<string, string>> = { windows: "win32", solaris: "sunos" };

/**
 * Returns whether a package is made for a platform, by its `os`, `cpu` and `libc`.
 *
 * @param libc the C library of the base; without it, packages for each of them are
 */
export function fits(
  { os, cpu, libc }: Pick<LockedPackage, "os" | "cpu" | "libc">,
  platform: Platform,
  library?: CLibrary,
): boolean {
  const system = SYSTEMS[platform.os] ?? platform.os;
  return has(os, system) && has(cpu, PROCESSORS[platform.architecture] ?? platform.architecture) &&
    (libc === undefined || (system === "linux" && (library === undefined || has(libc, library))));
}

/** Returns whether a list has a value: one with `!` leaves it out, and a list of such alone has all others. */
function has(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined || (list.length === 1 && list[0] === "any")) return true;
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.every((each) => each.startsWith("!"));
}

/**
 * Returns the part of a lock for a platform: without optional packages that are made for others, without what only
 * those need, and without links to them.
 *
 * @throws {PackageError} if a package that is not optional is made for other platforms.
 */
export function packagesFor(lock: Lock, platform: Platform, library?: CLibrary): Lock {
  const byId = new Map<string, LockedPackage[]>();
  for (const each of lock.packages) byId.set(idOf(each), [...byId.get(idOf(each)) ?? [], each]);
  const projects = lock.packages.filter(({ from }) => from === "workspace");
  const roots = ["", ...projects.map(({ paths }) => paths[0])].flatMap((folder) => directDependencies(lock, folder));
  const kept = new Set([...projects, ...roots].filter((each) => isFor(each, platform, library)));
  // A set can be added to while it is iterated.
  for (const { dependencies } of kept) {
    for (const each of dependencies.flatMap((id) => byId.get(id) ?? [])) {
      if (isFor(each, platform, library)) kept.add(each);
    }
  }
  const dropped = lock.packages.filter((each) => !kept.has(each));
  const stores = dropped.flatMap(({ paths }) => paths.map(storeOf)).filter((folder) => folder !== undefined);
  const gone = new Set(dropped.flatMap(({ paths }) => paths));
  return {
    ...lock,
    packages: lock.packages.filter((each) => kept.has(each)),
    links: lock.links.filter(({ path, target }) => !gone.has(target) && !stores.includes(storeOf(path)!)),
  };
}

function isFor(locked: LockedPackage, platform: Platform, library: CLibrary | undefined): boolean {
  if (fits(locked, platform, library)) return true;
  if (locked.optional) return false;
  const { os = [], cpu = [], libc = [] } = locked;
  throw new PackageError(
    `${idOf(locked)} is made for ${[...os, ...cpu, ...libc].join(", ")}, and not for ${platformString(platform)}` +
      (libc.length > 0 && library ? ` with ${library}` : ""),
    { hint: "leave out the platform, or make the package an optional dependency" },
  );
}

function idOf({ name, version }: LockedPackage): string {
  return `${name}@${version}`;
}

/** Returns the folder of a store that a package or link has to itself, as in `node_modules/.pnpm/a@1/node_modules/a`. */
function storeOf(path: string): string | undefined {
  return /^(.*\bnode_modules\/\.[^/]+\/(?!node_modules\/)[^/]+)\/node_modules\//.exec(path)?.[1];
}
