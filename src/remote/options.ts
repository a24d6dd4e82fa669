import type { AbortOptions } from "../io/mod.ts";
import type { ProgressListener } from "../image/mod.ts";
import type { NameOptions } from "../name/mod.ts";
import { DEFAULT_PLATFORM, parsePlatform, type Platform } from "../spec/mod.ts";
import { Client, type ClientOptions } from "./client.ts";

/** Listeners for how far transfers are. */
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
export interface RemoteOptions extends ClientOptions, ProgressOptions {
  /**
   * The connections to use; how they speak to registries was said when they were made, and is not read from these
   * options.
   * @default connections for this call alone
   */
  client?: Client;
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

/** The connections that options name, or new ones as the options say. */
export function clientOf(options: RemoteOptions): Client {
  return options.client ?? new Client(options);
}

/** How strings are read as names: as those of registries that the client may speak plain http to, where it may. */
export function nameOptions({ options: { insecure } }: Client): NameOptions {
  return { insecure };
}

/** Options of what finds one image. */
export interface PlatformOptions extends AbortOptions {
  /**
   * Which image of an index is wanted; a string is read as by {@linkcode parsePlatform}.
   * @default linux/amd64
   */
  platform?: Platform | string;
}

/** The platform that is wanted. */
export function wantedPlatform(options: PlatformOptions): Platform {
  return parsePlatform(options.platform ?? DEFAULT_PLATFORM);
}
