import type { FileSet } from "./image_files.ts";
import type { LockedPackage } from "./locked_package.ts";

/** The files of a package from any source. Their paths are relative to its folder, for JSR to the project. */
export interface PackageContent extends FileSet {
  /** Its package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Whether it was installed on a machine, so that its install scripts may have run. */
  readonly isInstalled: boolean;
}

/** A package of the image: what the lock has of it, and its files. */
export interface BuiltPackage {
  readonly locked: LockedPackage;
  readonly content: PackageContent;
  /** The bytes of its files, once. */
  readonly size: number;
}
