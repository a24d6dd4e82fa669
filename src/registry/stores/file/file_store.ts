import { joinPath, resolvePath } from "../../../runtime/mod.ts";
import type { RegistryStore } from "../store.ts";
import { FileBlobs } from "./file_blobs.ts";
import { FileRecords } from "./file_records.ts";
import { FileUploads } from "./file_uploads.ts";

/** Options of {@linkcode fileStore}. */
export interface FileStoreOptions {
  /**
   * Whether to wait until content that must outlive a loss of power is on the disk. Without it, the registry is faster and
   * still consistent: content that a crash spoilt is detected and counts as missing.
   * @default true
   */
  sync?: boolean;
}

/**
 * Makes a store in a directory, which is created by the first write. Several processes may use one directory.
 *
 * Records are files under `records`, blobs under `blobs`, uploads under `uploads`; each is put in place by a rename. A
 * blob is hashed while it is uploaded. A file that this process did not write is hashed before it is trusted, and again
 * after it has changed; spoilt bytes are never served as the blob. A directory of about a thousand records or more has a
 * file `.changes`, by which the servers notice each other's writes; it may be removed at any time.
 */
export function fileStore(directory: string, options: FileStoreOptions = {}): RegistryStore {
  const { sync = true } = options;
  const root = resolvePath(directory);
  const blobs = new FileBlobs(joinPath(root, "blobs"));
  return {
    records: new FileRecords(joinPath(root, "records"), { sync }),
    blobs,
    uploads: new FileUploads(joinPath(root, "uploads"), { blobs, sync }),
  };
}
