/**
 * The operations of crane, as functions that take references as strings.
 *
 * @example
 * ```ts
 * import { copy, list, push } from "@gcrane/gcrane/crane";
 * import { randomImage } from "@gcrane/gcrane/image";
 * import { createRegistry } from "@gcrane/gcrane/registry";
 *
 * const options = { fetch: createRegistry().fetch };
 * await push(randomImage(), "registry.example.com/app:v1", options);
 * await copy("registry.example.com/app:v1", "registry.example.com/mirror/app:v1", options);
 * for await (const tag of list("registry.example.com/mirror/app", options)) console.log(tag); // v1
 * ```
 *
 * @module
 */
export { type CraneOptions } from "./options.ts";
export { blob, catalog, config, configFile, digest, head, list, listPages, manifest } from "./inspect.ts";
export {
  copy,
  type CopyOptions,
  copyRepository,
  type CopyRepositoryOptions,
  type CopyRepositoryResult,
  type PlannedTag,
} from "./copy.ts";

export {
  type NamedView,
  pull,
  type PullOptions,
  type PullSource,
  saveLayout,
  type SaveLayoutOptions,
  saveTarball,
  type SaveTarballOptions,
  streamTarball,
} from "./save.ts";
export { type FilesOptions, image, layer } from "./files.ts";
export { push, pushAll, remove, tag } from "./push.ts";
export {
  append,
  type AppendOptions,
  layerFromPath,
  type LayerFromPathOptions,
  layersFromPaths,
  type LayersFromPathsOptions,
} from "./append.ts";
export type { ChangeOptions, ChangeSourceOptions } from "./change_reference.ts";
export { type EditBytes, editConfig, editManifest, type EditManifestOptions } from "./edit.ts";
export { editFile, type EditFileOptions } from "./edit_file.ts";
export { mutate, type MutateOptions } from "./mutate.ts";
export { flatten, type FlattenOptions } from "./flatten.ts";
export { rebase, type RebaseOptions } from "./rebase.ts";
export {
  appendToIndex,
  type AppendToIndexOptions,
  appendToLayout,
  filterIndex,
  filterLayout,
  indexMembers,
  type MemberOptions,
} from "./index_members.ts";
export { validate, type ValidateSourceOptions, validateTarball } from "./check.ts";
export { tree, type TreeBlob, type TreeManifest } from "./tree.ts";
export {
  type DirectoryUse,
  type DiskUse,
  diskUse,
  type DiskUseOptions,
  type LayerUse,
  type SpaceUse,
  type WastedFile,
} from "./disk_use.ts";
export { diff, type FileDifference, type ImageDiff, type LayerDifference } from "./diff.ts";
export type { FileFacts, FileField } from "./file_facts.ts";
export { type SignedIn, signIn, type SignInOptions } from "./sign_in.ts";
export { token, type TokenOptions } from "./token.ts";
export { annotateBase, extract } from "../mutate/mod.ts";
