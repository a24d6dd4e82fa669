/**
 * Where images and indexes come from: registries, layouts and archives at a path, archives from elsewhere.
 *
 * {@linkcode open} gives the image or the index that a source stands for. The library's verbs take strings as references
 * alone; {@linkcode parseSource} is for programs whose users may name other things: it reads what a text of a command line
 * names, a reference, a path, standard input or output, an image of an engine.
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
export { load, type LoadOptions } from "./load.ts";
export {
  type ImageSource,
  open,
  openImage,
  type OpenOptions,
  type PathSource,
  referenceIn,
  sourceName,
} from "./open.ts";
export { ofPlatforms, type PlatformsOptions, wantedPlatforms } from "./platforms.ts";
