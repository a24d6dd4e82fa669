import type { Image } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { LayerSpool } from "./layer_spool.ts";
import type { PlannedFiles } from "./planned_file.ts";

/** An image to write, and what to call it. */
export interface NamedImage {
  /** The image. */
  readonly image: Image;
  /** Its names: `repository:tag`. */
  readonly repoTags: readonly string[];
}

/** What a format has to work with. */
export interface FormatContext extends AbortOptions {
  /** Takes the files of the tarball, in their order. */
  readonly files: PlannedFiles;
  /** Gets layers ready to be written. */
  readonly spool: LayerSpool;
}
