/**
 * Every error class of the package, in one place.
 *
 * Each class has a literal `code` to switch on. Its message gives the fault and its location; it may carry a `hint`,
 * the user's next step. Misuse of an API throws a `TypeError` or a `RangeError`, which are not listed here.
 *
 * @example
 * ```ts
 * import { parseReference } from "@gcrane/gcrane/name";
 * import { GcraneError } from "@gcrane/gcrane";
 *
 * try {
 *   parseReference("not a reference");
 * } catch (error) {
 *   if (error instanceof GcraneError) console.log(error.code); // NAME_INVALID
 * }
 * ```
 *
 * @module
 */

/** Options of every error class. */
export interface GcraneErrorOptions {
  /** The error that caused this one. */
  cause?: unknown;
  /** The user's next step, as one sentence without a full stop. */
  hint?: string;
}

/** The code of each error class, to be used in a `switch`. Codes stay the same between releases. */
export type GcraneErrorCode =
  | "NAME_INVALID"
  | "HASH_INVALID"
  | "PLATFORM_INVALID"
  | "DIGEST_MISMATCH"
  | "SIZE_MISMATCH"
  | "LIMIT_EXCEEDED"
  | "COMPRESSION_INVALID"
  | "TAR_INVALID"
  | "MANIFEST_INVALID"
  | "TARBALL_INVALID"
  | "LAYOUT_INVALID"
  | "NOT_FOUND"
  | "VALIDATION_FAILED"
  | "STREAM_LAYER"
  | "AUTH_FAILED"
  | "URL_REFUSED"
  | "REGISTRY_BLOCKED"
  | "NETWORK_FAILED"
  | "PROTOCOL_INVALID"
  | "DAEMON_FAILED"
  | "UNSUPPORTED"
  | "FILE_FAILED"
  | "STORE_FAILED"
  | "CONFLICT"
  | "JOURNAL_INVALID"
  | "BUILD_FAILED"
  | "LOCK_INVALID"
  | "PACKAGE_INVALID"
  | "USAGE"
  | "HTTP_STATUS";

/** The base of every error that this package throws, except `TypeError` and `RangeError` for misuse. */
export abstract class GcraneError extends Error {
  /** A literal to switch on; it stays the same between releases. */
  abstract readonly code: GcraneErrorCode;
  /** The user's next step, if there is one. */
  readonly hint: string | undefined;

  /** Creates the error with a message, and with its cause and hint from `options`. */
  constructor(message: string, options: GcraneErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** A registry, repository, tag, digest or reference that can't be parsed. */
export class NameError extends GcraneError {
  /** `NAME_INVALID`. */
  readonly code = "NAME_INVALID";
}

/** A digest string that is not `algorithm:hex` of a supported algorithm. */
export class HashError extends GcraneError {
  /** `HASH_INVALID`. */
  readonly code = "HASH_INVALID";
}

/** A platform string or object that can't be understood. */
export class PlatformError extends GcraneError {
  /** `PLATFORM_INVALID`. */
  readonly code = "PLATFORM_INVALID";
}

/** Bytes whose digest differs from the expected one. */
export class DigestMismatchError extends GcraneError {
  /** `DIGEST_MISMATCH`. */
  readonly code = "DIGEST_MISMATCH";
}

/** More or fewer bytes than expected. */
export class SizeMismatchError extends GcraneError {
  /** `SIZE_MISMATCH`. */
  readonly code = "SIZE_MISMATCH";
}

/** More bytes, redirects or entries than a limit allows. */
export class LimitError extends GcraneError {
  /** `LIMIT_EXCEEDED`. */
  readonly code = "LIMIT_EXCEEDED";
}

/** A gzip or zstd stream that is corrupt or ends early. */
export class CompressionError extends GcraneError {
  /** `COMPRESSION_INVALID`. */
  readonly code = "COMPRESSION_INVALID";
}

/** A tar archive that is corrupt, ends early or can't be written with the given options. */
export class TarError extends GcraneError {
  /** `TAR_INVALID`. */
  readonly code = "TAR_INVALID";
}

/** A manifest, an index or a config file that does not have the shape its media type requires. */
export class ManifestError extends GcraneError {
  /** `MANIFEST_INVALID`. */
  readonly code = "MANIFEST_INVALID";
}

/** A file that is not a tarball as `docker save` writes it, or a tarball without the requested image. */
export class TarballError extends GcraneError {
  /** `TARBALL_INVALID`. */
  readonly code = "TARBALL_INVALID";
}

/** A directory that is not an OCI image layout, or a layout whose blobs can't be trusted. */
export class LayoutError extends GcraneError {
  /** `LAYOUT_INVALID`. */
  readonly code = "LAYOUT_INVALID";
}

/** Content that its source does not hold under the given name or digest. */
export class NotFoundError extends GcraneError {
  /** `NOT_FOUND`. */
  readonly code = "NOT_FOUND";
}

/** An image, an index or a layer with parts that contradict one another. */
export class ValidationError extends GcraneError {
  /** `VALIDATION_FAILED`. */
  readonly code = "VALIDATION_FAILED";
}

/** A streaming layer whose digest was requested before it was read, or that was read a second time. */
export class StreamLayerError extends GcraneError {
  /** `STREAM_LAYER`. */
  readonly code = "STREAM_LAYER";
}

/** Credentials that can't be read, found or exchanged. */
export class AuthError extends GcraneError {
  /** `AUTH_FAILED`. */
  readonly code = "AUTH_FAILED";
}

/** A URL that is refused by the rules on redirects, token realms and private addresses. */
export class UnsafeUrlError extends GcraneError {
  /** `URL_REFUSED`. */
  readonly code = "URL_REFUSED";
}

/** A registry or a repository that the machine's registries.conf blocks. */
export class BlockedError extends GcraneError {
  /** `REGISTRY_BLOCKED`. */
  readonly code = "REGISTRY_BLOCKED";
}

/** The kind of a failure without a complete response. */
export type NetworkFailure =
  | "no-socket"
  | "denied"
  | "unresolved"
  | "refused"
  | "untrusted"
  | "client-certificate"
  | "proxy"
  | "not-tls"
  | "not-http"
  | "timeout"
  | "unreachable"
  | "cut";

/** A request without a response: the name does not resolve, or the connection is refused, cut or times out. */
export class NetworkError extends GcraneError {
  /** `NETWORK_FAILED`. */
  readonly code = "NETWORK_FAILED";
  /** The kind of failure; `undefined` if it is unknown. */
  readonly reason: NetworkFailure | undefined;

  /** Creates the error; `reason` is the kind of failure. */
  constructor(message: string, options: GcraneErrorOptions & { reason?: NetworkFailure | undefined } = {}) {
    super(message, options);
    this.reason = options.reason;
  }
}

/** A response that violates the distribution-spec. */
export class ProtocolError extends GcraneError {
  /** `PROTOCOL_INVALID`. */
  readonly code = "PROTOCOL_INVALID";
}

/** A Docker Engine that fails a request, or an endpoint that is not a Docker Engine. */
export class DaemonError extends GcraneError {
  /** `DAEMON_FAILED`. */
  readonly code = "DAEMON_FAILED";
}

/** A feature that this runtime lacks, for example a file system in a browser. */
export class UnsupportedError extends GcraneError {
  /** `UNSUPPORTED`. */
  readonly code = "UNSUPPORTED";
}

/** A file or directory that can't be read or written. */
export class FileError extends GcraneError {
  /** `FILE_FAILED`. */
  readonly code = "FILE_FAILED";
  /** The operating system's error name, for example `ENOENT`, if there is one. */
  readonly errno: string | undefined;

  /** Creates the error; `errno` is the operating system's error name. */
  constructor(message: string, options: GcraneErrorOptions & { errno?: string } = {}) {
    super(message, options);
    this.errno = options.errno;
  }
}

/** A failure of a registry's store: its disk is full, or its bucket does not respond. */
export class StoreError extends GcraneError {
  /** `STORE_FAILED`. */
  readonly code = "STORE_FAILED";
}

/**
 * Something exists or has changed: a tag that a copy must not overwrite, or an upload that another server on the same
 * store has continued or ended, which keeps the state that the other server left.
 */
export class ConflictError extends GcraneError {
  /** `CONFLICT`. */
  readonly code = "CONFLICT";
}

/** A file that is not a journal, or a journal of a different operation. */
export class JournalError extends GcraneError {
  /** `JOURNAL_INVALID`. */
  readonly code = "JOURNAL_INVALID";
}

/** A project that no image can be built of: an unclear plan, a file that must not be in an image, a wrong lock. */
export class BuildError extends GcraneError {
  /** `BUILD_FAILED`. */
  readonly code = "BUILD_FAILED";
}

/** A lock file of a package manager that is missing, can't be read, or does not fit package.json. */
export class LockError extends GcraneError {
  /** `LOCK_INVALID`. */
  readonly code = "LOCK_INVALID";
}

/** A package of a lock that can't be fetched, verified, unpacked or used in an image. */
export class PackageError extends GcraneError {
  /** `PACKAGE_INVALID`. */
  readonly code = "PACKAGE_INVALID";
}

/** Wrong usage of the command line, which ends with exit code 2. */
export class UsageError extends GcraneError {
  /** `USAGE`. */
  readonly code = "USAGE";
}

/** One entry of an error response's body (distribution-spec, "Error Codes"). */
export interface Diagnostic {
  /** The error code: `MANIFEST_UNKNOWN`, `UNAUTHORIZED`, … */
  code: string;
  /** The registry's own message. */
  message?: string;
  /** Further data from the registry, of any shape. */
  detail?: unknown;
}

/** Options of {@linkcode HttpError}. */
export interface HttpErrorOptions extends GcraneErrorOptions {
  /** The status of the response. */
  status: number;
  /** The method of the request. */
  method: string;
  /** The URL of the request, with its secrets already redacted. */
  url: string;
  /**
   * The entries of the error response's body.
   *
   * @default none
   */
  diagnostics?: readonly Diagnostic[];
  /**
   * The wait that the server asks for, in milliseconds.
   *
   * @default none
   */
  retryAfter?: number;
}

/** An HTTP response with an unexpected status. */
export class HttpError extends GcraneError {
  /** `HTTP_STATUS`. */
  readonly code = "HTTP_STATUS";
  /** The status of the response. */
  readonly status: number;
  /** The method of the request. */
  readonly method: string;
  /** The URL of the request, with its secrets redacted. */
  readonly url: string;
  /** The entries of the error response's body; empty if it has none. */
  readonly diagnostics: readonly Diagnostic[];
  /** The wait that the server asks for, in milliseconds; `undefined` if it asks for none. */
  readonly retryAfter: number | undefined;

  /** Creates the error from the parts of a response. */
  constructor(message: string, options: HttpErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.method = options.method;
    this.url = options.url;
    this.diagnostics = options.diagnostics ?? [];
    this.retryAfter = options.retryAfter;
  }
}
