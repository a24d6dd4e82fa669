// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { type ContentCore, contentOf, contentOfBytes } from "./content.ts";
export { type DescriptorOverrides, layerOfContent, withDescriptor } from "./layer_core.ts";
export { ESTARGZ_TOC_DIGEST } from "./estargz.ts";
export { embedded, knownDigest, manifestView } from "./image_core.ts";
export { ProgressReporter, type ProgressSubject } from "./progress.ts";
export { REF_NAME_ANNOTATION } from "./match.ts";
export { checkView } from "./check_view.ts";
export { spoolContent } from "./spool.ts";
