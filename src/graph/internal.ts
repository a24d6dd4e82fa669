// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { mentionedDigests } from "./successors.ts";
export { otherManifest, type OtherManifestCore } from "./other_manifest.ts";
export { CopyJournal, type CopyJournalOptions, type PartialCopy } from "./copy_journal.ts";
export { manifestBytes } from "./manifest_bytes.ts";
export { openBlob } from "./open_blob.ts";
export { storeBlob, writeStream } from "./store_blob.ts";
export { throttled } from "./throttle.ts";
export { DEFAULT_JOBS } from "./state.ts";
