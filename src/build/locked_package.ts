/** A package of a lock file, at one version. */
export interface LockedPackage {
  /** Its name with its scope, for example `@hono/node-server`. */
  name: string;
  /** Its version, for example `1.2.3-rc.1`. */
  version: string;
  /** Where it comes from: a registry of npm's protocol, JSR, or a folder of the project (a workspace). */
  from: "npm" | "jsr" | "workspace";
  /**
   * Folders relative to the project, with `/`, in which it lies once installed, for example `node_modules/a` and
   * `node_modules/b/node_modules/a`. For a workspace the one folder that holds its sources.
   */
  paths: readonly string[];
  /** Hashes of its tarball in the form of Subresource Integrity, for example `sha512-…`; several stand with a space. */
  integrity?: string;
  /** The address of its tarball as in the lock; without it the registry is asked. */
  resolved?: string;
  /** Systems it is made for in the words of package.json, `!` in front of what it is not made for; absent: all. */
  os?: readonly string[];
  /** Processors it is made for, in the same form. */
  cpu?: readonly string[];
  /** C libraries it is made for (`glibc`, `musl`), in the same form. */
  libc?: readonly string[];
  /** Whether the project works without it, so that it is left out on platforms it is not made for. */
  optional: boolean;
  /** Whether it has an install script; `undefined` if the lock does not have that, and its package.json decides. */
  hasInstallScript?: boolean;
  /** Its licence as in the lock, if the lock has it. */
  license?: string;
  /** The packages that it depends on, as `name@version` of this lock, sorted. */
  dependencies: readonly string[];
}

/** A symbolic link between folders of the project, such as pnpm and workspaces need. */
export interface LockedLink {
  /** Where the link lies, relative to the project. */
  path: string;
  /** Where it leads, relative to the project. */
  target: string;
}

/** The production set of a lock file: what an installation without development dependencies places. */
export interface Lock {
  /** The file it was read from, for example `package-lock.json`. */
  file: string;
  /** The package manager, for messages and for the command that mends the lock. */
  manager: "npm" | "pnpm" | "yarn" | "bun" | "deno";
  /** Sorted by name, then version. */
  packages: readonly LockedPackage[];
  /** Sorted by path. */
  links: readonly LockedLink[];
  /** Ranges that each project of the lock (`""` for the root, else a workspace's folder) asks for, by name. */
  requested: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Whether the form of the lock has no `os`, `cpu` and `libc`, which the registry has then. */
  lacksPlatforms?: boolean;
  /** Whether the lock has modules of URLs, which are no packages. */
  importsUrls?: boolean;
}
