/**
 * Parses a command line's argument into a reference, a path, standard input or output, or an image of an engine. The
 * library's functions take strings as references only; {@linkcode parseSource} is for programs whose users may name
 * other sources.
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
