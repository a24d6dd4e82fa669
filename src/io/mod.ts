/**
 * Byte streams and their processing: digests and verification, compression, limits, lazy values, bounded concurrency,
 * retries. Internal to the package.
 *
 * @module
 */
export { chunks, drain, observe, sliceStream, type StreamObserver, streamOf } from "./observe.ts";
export {
  type Digest,
  digestBytes,
  type Expected,
  type Measured,
  measureStream,
  sizeMismatch,
  verifyBytes,
  verifyStream,
} from "./digest.ts";
export {
  assertReadable,
  checkReproducible,
  compress,
  type CompressionKind,
  type CompressOptions,
  decompress,
  decompressLimited,
  type DecompressOptions,
  decompressSniffed,
  gzipMember,
  SNIFF_LENGTH,
  sniffBytes,
  type SniffedCompression,
  sniffStream,
} from "./compression.ts";
export { limitRatio, Limits, limitStream, readAll, type ReadAllOptions, Tally } from "./limit.ts";
export { isHeaderText, isObject, jsonObject, listed } from "./text.ts";
export { formatBytes, parseDuration } from "./units.ts";
export { errorCode, fileFailure, missingIsUndefined, temporaryFailure } from "./file_failure.ts";
export { Journal, type JournalLine, type JournalOptions } from "./journal.ts";
export { abortable } from "../runtime/mod.ts";
export { type AbortOptions, lazy } from "./lazy.ts";
export { mapConcurrent, type PoolOptions, Semaphore } from "./pool.ts";
export { BoundedMap, KeyedMutex } from "./keyed.ts";
export { SharedWork, type SharedWorkOptions } from "./shared_work.ts";
export { RateLimit, type RateLimitOptions } from "./rate_limit.ts";
export { readAhead } from "./read_ahead.ts";
export { ATTEMPTS, decide, LONGEST_WAIT_MS, retry, type RetryOptions, type RetryVerdict } from "./retry.ts";
