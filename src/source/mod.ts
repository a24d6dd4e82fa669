/**
 * The sources of images and indexes: registries, layouts and archives at a path, archives from elsewhere.
 *
 * {@linkcode open} opens the image or the index of a source. The library's functions take strings as references only;
 * {@linkcode parseSource} is for programs whose users may name other sources: it parses a command line's argument into
 * a reference, a path, standard input or output, or an image of an engine.
 *
 * @example
 * ```ts
 * import { parseSource } from "@gcrane/gcrane/source";
 *
 * console.log(parseSource("alpine").kind); // reference
 * console.log(parseSource("./alpine").kind); // path
 * console.log(parseSource("daemon://alpine").kind); // engine
 * ```
 *
 * @module
 */
export { type NamedSource, parseSource, type PathFormat } from "./parse.ts";
export { type LocalPath, splitLocalPath } from "./local_path.ts";
export { load, loadAll, type LoadedImage, type LoadOptions } from "./load.ts";
export { type ImageSource, open, openImage, type OpenOptions, type PathSource } from "./open.ts";
export { ofPlatforms, type PlatformsOptions } from "./platforms.ts";
