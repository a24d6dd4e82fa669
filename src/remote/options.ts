import type { AbortOptions } from "../io/mod.ts";
import type { ProgressListener } from "../image/mod.ts";
import { DEFAULT_PLATFORM, type Platform } from "../spec/mod.ts";
import type { TransportOptions } from "../transport/mod.ts";

/** Who is told how far transfers are. */
export interface ProgressOptions {
  /**
   * Told how far each upload is.
   * @default nobody
   */
  onProgress?: ProgressListener;
  /**
   * Told how far each download is.
   * @default nobody
   */
  onReadProgress?: ProgressListener;
}

/** Options of everything that reads from or writes to registries. */
export interface RemoteOptions extends TransportOptions, ProgressOptions {
  /**
   * How many blobs and manifests move at the same time.
   * @default 4
   */
  jobs?: number;
  /**
   * Whether layers that are marked as not distributable are pushed too.
   * @default false
   */
  allowNondistributable?: boolean;
}

/** How many blobs and manifests move at the same time when nobody says. */
export const DEFAULT_JOBS = 4;

/** Options of what finds one image. */
export interface PlatformOptions extends AbortOptions {
  /**
   * Which image of an index is wanted.
   * @default linux/amd64
   */
  platform?: Platform;
}

/** The platform that is wanted. */
export function wantedPlatform(options: PlatformOptions): Platform {
  return options.platform ?? DEFAULT_PLATFORM;
}
