/**
 * Images of JavaScript projects, built without Docker.
 *
 * @module
 */
export { buildImage, type BuildImageOptions, type BuiltImage } from "./build_image.ts";
export { buildCache, type BuildCache, type KeptLayer } from "./build_cache.ts";
export { directoryFiles } from "./directory_files.ts";
export { type MemoryFile, memoryFiles } from "./memory_files.ts";
export type { ProjectFile, ProjectFiles } from "./project_files.ts";
