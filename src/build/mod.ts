/**
 * Images of apps for Node.js, Bun and Deno, built without Docker: the lock file gives the packages, the project its
 * files, and a base the runtime. Nothing of the project runs.
 *
 * {@linkcode buildImage} takes the files of a project from a directory ({@linkcode directoryFiles}), from memory
 * ({@linkcode memoryFiles}) or from anything else that has names and bytes, so it works in a Worker and in a browser too.
 * The same files on the same base give the same digest everywhere.
 *
 * @example
 * ```ts
 * import { buildImage, memoryFiles } from "@gcrane/gcrane/build";
 * import { emptyImage } from "@gcrane/gcrane/image";
 *
 * const files = memoryFiles({
 *   "package.json": JSON.stringify({ name: "hello", scripts: { start: "node server.js" } }),
 *   "server.js": "console.log('hello');",
 * });
 * const { view } = await buildImage({ files, base: emptyImage({ platform: "linux/arm64" }) });
 * console.log((await view.manifest()).annotations?.["org.opencontainers.image.title"]); // hello
 * ```
 *
 * @module
 */
export { buildImage, type BuildImageOptions, type BuiltImage } from "./build_image.ts";
export { type BuildCache, buildCache, type KeptLayer } from "./build_cache.ts";
export type { BuiltLayer, BuiltPlatform } from "./compose_images.ts";
export type { FetchPackagesOptions } from "./fetched_packages.ts";
export { findProject, type FoundProject } from "./find_project.ts";
export type { Lock, LockedLink, LockedPackage } from "./locked_package.ts";
export type { BuildPlan } from "./plan.ts";
export type { BuildRuntime, BuildSettings } from "./settings.ts";
export { directoryFiles } from "./directory_files.ts";
export { type MemoryFile, memoryFiles } from "./memory_files.ts";
export type { ProjectFile, ProjectFiles } from "./project_files.ts";
export type { Attachment } from "./attach.ts";
export { pushSboms, type PushSbomsOptions } from "./push_sboms.ts";
export type { SbomFormat } from "./sbom_of.ts";
export { resolveYaml } from "./resolve_yaml.ts";
