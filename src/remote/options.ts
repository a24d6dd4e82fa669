import type { AbortOptions } from "../io/mod.ts";
import type { ProgressListener } from "../image/mod.ts";
import type { NameOptions } from "../name/mod.ts";
import type { Platform } from "../spec/mod.ts";
import { Client, type ClientOptions } from "./client.ts";

/** Callbacks for the progress of transfers. */
export interface ProgressOptions {
  /**
   * Called with the progress of each upload.
   *
   * @default not called
   */
  onProgress?: ProgressListener;
  /**
   * Whether the progress within each upload is reported, too, and not its end alone. Without it, and without a
   * listener, the runtime sends files by itself where it can, which takes less memory.
   *
   * @default true
   */
  countsBytes?: boolean;
  /**
   * Called with the progress of each download.
   *
   * @default not called
   */
  onReadProgress?: ProgressListener;
}

/** Options of everything that reads from or writes to registries. */
export interface RemoteOptions extends ClientOptions, ProgressOptions {
  /**
   * The client to use. It has transport options of its own, so those among these options are ignored.
   *
   * @default a new client for this call
   */
  client?: Client;
  /**
   * The number of blobs and manifests that are transferred at the same time.
   *
   * @default 4
   */
  jobs?: number;
  /**
   * Whether to push layers that are marked as nondistributable.
   *
   * @default false
   */
  allowNondistributable?: boolean;
}

/** Returns the client of the options, or creates one from them. */
export function clientOf(options: RemoteOptions): Client {
  return options.client ?? new Client(options);
}

/** Returns the options to parse a name with: plain http is allowed where the client allows it. */
export function nameOptions({ options: { insecure } }: Client): NameOptions {
  return { insecure };
}

/** Options of the functions that find one image. */
export interface PlatformOptions extends AbortOptions {
  /**
   * The platform of the image to choose from an index; {@linkcode parsePlatform} parses a string.
   *
   * @default linux/amd64
   */
  platform?: Platform | string;
  /**
   * Called if an index has several images and no platform is given to choose one of them.
   *
   * @default not called
   */
  onDefaultPlatform?: () => void;
}
