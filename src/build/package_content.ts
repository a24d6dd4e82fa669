import type { FileFacts, FileSet } from "./file_set.ts";
import type { LockedPackage } from "./locked_package.ts";
import type { ProjectFile } from "./project_files.ts";

/** The files of a package from any source, with their paths in its folder. */
export interface PackageContent extends FileSet {
  /** Its package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** The folders of the project in which it lies. */
  readonly folders: readonly string[];
  /** Whether it was installed on a machine, so that its install scripts may have run. */
  readonly isInstalled: boolean;
}

/** A package of the image: what the lock has of it, and what is needed of its content. */
export interface BuiltPackage extends FileSet, Pick<PackageContent, "folders" | "isInstalled"> {
  readonly locked: LockedPackage;
  readonly facts: FileFacts;
  /** Its native modules. */
  readonly modules: readonly ProjectFile[];
  /** Whether it has an install script. */
  readonly hasScript: boolean;
  /** The licence in its package.json. */
  readonly license: unknown;
  /** The C libraries in its package.json. */
  readonly libc: readonly string[] | undefined;
}
