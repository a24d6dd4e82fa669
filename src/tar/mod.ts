/**
 * Tar archives, read and written as streams: v7, ustar, PAX and GNU, whole enough for the layers of container images.
 *
 * {@linkcode UntarStream} and {@linkcode TarStream} are the transform streams of `@std/tar`, for more formats: entries
 * have `path`, `header` and `readable`. They are thin layers over {@linkcode readTar} and {@linkcode writeTar}, which
 * take and give the same entries without a stream of them: a layer of many small files is read and written in less than
 * half the time, and an entry's unread content is skipped. An entry that was read can be written as it is, byte for
 * byte.
 *
 * Names and PAX values are kept as bytes, so names that are not UTF-8 and binary extended attributes survive.
 *
 * @example
 * ```ts
 * import { readTar, writeTar } from "@gcrane/gcrane/tar";
 *
 * const archive = writeTar([
 *   { type: "directory", path: "etc/" },
 *   { path: "etc/motd", content: new TextEncoder().encode("hello\n"), mtime: 1700000000.5 },
 *   { type: "symlink", path: "motd", linkname: "etc/motd" },
 * ]);
 *
 * for await (const entry of readTar(archive)) {
 *   if (entry.type === "file") console.log(entry.path, new TextDecoder().decode(await entry.bytes()));
 *   else console.log(entry.path, entry.linkname);
 * }
 * ```
 *
 * @module
 */

export type { Bytes, ByteStream } from "../runtime/mod.ts";
export { cleanEntryPath } from "./entry_path.ts";
export type { TarWriteFormat } from "./encode_entry.ts";
export type { PaxRecords } from "./pax.ts";
export { readTar, type TarReader, type TarReadOptions } from "./reader.ts";
export { TarStream, type TarStreamInput, UntarStream } from "./streams.ts";
export type {
  TarBytesOptions,
  TarChunks,
  TarEntry,
  TarEntryType,
  TarFormat,
  TarHeader,
  TarStreamHeader,
} from "./types.ts";
export {
  rewriteEntry,
  type TarContent,
  type TarContentSource,
  type TarGlobalRecords,
  type TarNewEntry,
  type TarPaxInput,
  type TarRawEntry,
  type TarWriteEntry,
} from "./write_entry.ts";
export { encodeTarHeader, type TarWriteOptions, writeTar } from "./writer.ts";
