/**
 * The only room that depends on the runtime: Deno, Bun, Node, workerd or a browser.
 *
 * Each feature is detected on first use and never imported statically, so that a bundle for a browser stays clean, and
 * a command that computes no hash does not load one. A missing feature throws an `Error` with the name
 * `NotSupportedError`. Errors of the operating system keep their `code` (`ENOENT`, `ENOSPC`, …).
 *
 * This room is internal to the package.
 *
 * @module
 */

export { type Bytes, type ByteStream, concat, sameBytes } from "./bytes.ts";
export { ChunkReader, type PullSource, pullStream } from "./pull_stream.ts";
export { type RuntimeName, runtimeName } from "./host.ts";
export {
  type HashAlgorithm,
  hashHex,
  type ResumableHash,
  resumableHash,
  type StreamingHash,
  streamingHash,
  streamingHashSync,
  type SyncStreamingHash,
} from "./hash.ts";
export type { HashedRange, HashRange } from "./hash_file.ts";
export {
  gunzipStream,
  gzipBytes,
  type GzipOptions,
  gzipStream,
  zstdCompressStream,
  zstdDecompressStream,
  type ZstdOptions,
} from "./zlib.ts";
export {
  appendFile,
  chmod,
  type DirectoryEntry,
  exists,
  type FileKind,
  type FileStat,
  hardLink,
  isMissing,
  lstat,
  makeDirectory,
  type MakeDirectoryOptions,
  readDirectory,
  readFile,
  readLink,
  readTextFile,
  readUnsortedDirectory,
  realPath,
  remove,
  removeFile,
  type RemoveOptions,
  rename,
  setTimes,
  stat,
  symlink,
  syncDirectory,
  temporaryDirectory,
} from "./files.ts";
export {
  type FileRange,
  type FileStreamOptions,
  type OpenFile,
  openFile,
  type OpenFileOptions,
  readStream,
} from "./open_file.ts";
export {
  type FileWriter,
  openWriter,
  type OpenWriterOptions,
  writeFileAtomic,
  type WriteFileOptions,
} from "./write_file.ts";
export { createNewFile, type NewFile } from "./new_file.ts";
export type { Received, ReceiveOptions } from "./receive.ts";
export { removeOldTemporaries } from "./old_temporaries.ts";
export {
  commandLineArguments,
  currentDirectory,
  environmentVariable,
  exit,
  grantedVariable,
  homeDirectory,
  isHangUpIgnored,
  mayRead,
  mayWrite,
  onHangUp,
  onInterrupt,
  onUnhandledError,
  platformOs,
  programNames,
  temporaryRoot,
  userId,
} from "./environment.ts";
export { baseName, dirName, joinPath, pathSeparator, resolvePath } from "./paths.ts";
export {
  isTerminal,
  type StandardStream,
  stdinStream,
  type TerminalSize,
  terminalSize,
  writeStderrSync,
  writeStdout,
} from "./standard_io.ts";
export { askLine, type AskOptions } from "./ask.ts";
export {
  type CommandOutput,
  runCommand,
  type RunCommandOptions,
  runOnTerminal,
  type RunOnTerminalOptions,
} from "./spawn.ts";
export {
  type FetchHandler,
  type PeerInfo,
  serveFetch,
  type ServeOptions,
  type Server,
  type TlsCertificate,
} from "./serve.ts";
export type { Proxy } from "./proxy_tunnel.ts";
export { furtherAuthorities } from "./certificates.ts";
export {
  fetchAt,
  isGzip,
  keepsEncoding,
  passesBodies,
  proxyAt,
  routedFetch,
  runtimeFetch,
  type RuntimeFetchOptions,
} from "./http_client.ts";
export { sendStream, type StreamRequest } from "./send_stream.ts";
export { abortable, sharedWait } from "./waits.ts";
export {
  forgetTemporary,
  isTemporaryInUse,
  registerTemporary,
  removeTemporaries,
  temporariesInUse,
} from "./temporaries.ts";
