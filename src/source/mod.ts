/**
 * What a text of a command line names: a reference, a path, standard input or output, an image of an engine. The library's
 * verbs take strings as references alone; {@linkcode parseSource} is for programs whose users may name other things.
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
