import type { ImageFile } from "./image_files.ts";
import type { LockedPackage } from "./locked_package.ts";

/** The files of a package from any source. */
export interface PackageContent {
  /** Its package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Its files and links; their paths are relative to its folder. */
  readonly files: readonly ImageFile[];
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
