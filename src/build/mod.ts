/**
 * Images of JavaScript projects, built without Docker.
 *
 * @module
 */
export { buildImage, type BuildImageOptions, type BuiltImage } from "./build_image.ts";
export { type BuildCache, buildCache, type KeptLayer } from "./build_cache.ts";
export type { BuiltLayer, BuiltPlatform } from "./compose_images.ts";
export { findProject, type FoundProject } from "./find_project.ts";
export type { Lock, LockedLink, LockedPackage } from "./locked_package.ts";
export type { BuildPlan } from "./plan.ts";
export type { BuildRuntime, BuildSettings } from "./settings.ts";
export { directoryFiles } from "./directory_files.ts";
export { type MemoryFile, memoryFiles } from "./memory_files.ts";
export type { ProjectFile, ProjectFiles } from "./project_files.ts";
export { pushSboms, type PushSbomsOptions, type SbomFormat } from "./push_sboms.ts";
