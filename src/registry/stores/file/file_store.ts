import { joinPath, resolvePath } from "../../../runtime/mod.ts";
import type { RegistryStore } from "../store.ts";
import { FileBlobs } from "./file_blobs.ts";
import { FileRecords } from "./file_records.ts";
import { FileUploads } from "./file_uploads.ts";

/** Options of {@linkcode fileStore}. */
export interface FileStoreOptions {
  /**
   * Whether to wait until what must outlive a loss of power is on the disk. Without, the registry is faster, and stays
   * consistent even so: what a crash spoilt is noticed and counts as missing.
   * @default true
   */
  sync?: boolean;
}

/**
 * A store in a directory, which is made when something is written. Several processes may work on one.
 *
 * Records are files under `records`, blobs under `blobs`, uploads under `uploads`; all take their place by a rename.
 * A blob is hashed while it is uploaded. One that this process did not write itself is hashed once before its bytes
 * are relied upon, and again when the file has changed since; spoilt bytes are never served as the blob.
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
