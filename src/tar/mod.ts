/**
 * Tar archives, read and written as streams: v7, ustar, PAX and GNU, whole enough for the layers of container images.
 *
 * {@linkcode readTar} gives the entries of an archive, {@linkcode writeTar} makes an archive from entries; an entry that
 * was read can be passed on as it is. {@linkcode TarWalker} is the synchronous core, {@linkcode UntarStream} and
 * {@linkcode TarStream} have the shape of `@std/tar`.
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
export { type EstargzEnd, estargzFooter, type EstargzMember, type EstargzOptions, estargzParts } from "./estargz.ts";
export { encodeTarHeader, type TarHeaderOptions } from "./entry_header.ts";
export type { PaxRecords } from "./pax.ts";
export { readTar, type TarReader, type TarReadOptions } from "./reader.ts";
export {
  TarStream,
  type TarStreamDir,
  type TarStreamFile,
  type TarStreamInput,
  type TarStreamOptions,
  type TarStreamSymlink,
} from "./tar_stream.ts";
export type { TarBytesOptions, TarChunks, TarEntry, TarEntryType, TarFormat, TarHeader } from "./types.ts";
export { type OldStyleFormat, type PosixUstarFormat, type TarStreamEntry, UntarStream } from "./untar_stream.ts";
export { type TarStep, TarWalker, type TarWalkerOptions } from "./walker.ts";
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
export { type TarWriteOptions, writeTar } from "./writer.ts";
