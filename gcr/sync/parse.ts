import { UsageError } from "../../src/errors.ts";
import type { NameOptions } from "../../src/name/mod.ts";
import { grantedVariable, readTextFile } from "../../src/runtime/mod.ts";
import { parseYaml } from "./fields.ts";
import { readRegsync } from "./regsync_file.ts";
import { readSkopeo } from "./skopeo_file.ts";
import type { SyncFile } from "./sync_file.ts";

/** Options of {@linkcode parseSyncFile}. */
export interface ParseSyncFileOptions extends NameOptions {
  /**
   * The registry or the repository below which the copies go, for a file of skopeo, which names none.
   *
   * @default such a file is an error
   */
  readonly destination?: string;
  /**
   * Whether the copies of a file of skopeo keep the name of the registry and the whole path of the repository.
   *
   * @default false: the last part of the path
   */
  readonly scoped?: boolean;
  /**
   * Returns the value of an environment variable, for templates.
   *
   * @default that of the process
   */
  readonly environment?: (name: string) => string | undefined;
  /**
   * Reads a file as text, for templates.
   *
   * @default from the disk
   */
  readonly readFile?: (path: string) => Promise<string>;
}

/**
 * Parses a sync file: the YAML of regsync, which has the key `sync`, or that of `skopeo sync --src yaml`, whose keys are
 * registries.
 *
 * @param what the name of the file in an error
 * @throws {UsageError} for a key, a value or a template that is not understood, with its path.
 */
export async function parseSyncFile(text: string, what: string, options: ParseSyncFileOptions = {}): Promise<SyncFile> {
  const world = { environment: grantedVariable, readFile: readTextFile, ...options };
  try {
    const node = parseYaml(text);
    const isRegsync = typeof node === "object" && node !== null &&
      ["sync", "creds", "defaults"].some((key) => key in node);
    if (!isRegsync) return readSkopeo(node, world);
    if (options.destination !== undefined || options.scoped) {
      throw new UsageError("it is a file of regsync, which names the targets itself", {
        hint: "leave out the destination",
      });
    }
    return await readRegsync(node, world);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`${what}: ${cause.message}`, { cause, hint: cause.hint });
  }
}
