/**
 * Every error class of the package, in one place.
 *
 * Each class has a literal `code` to switch on, says in its message what was wrong and where, and may carry a
 * `hint`: what the user can do next. Misuse of an API is a `TypeError` or a `RangeError` and not listed here.
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

/** What each error takes besides its message. */
export interface GcraneErrorOptions {
  /** The error underneath. */
  cause?: unknown;
  /** What the user can do next: one sentence without a full stop. */
  hint?: string;
}

/** The base of every error that this package throws, except `TypeError` and `RangeError` for misuse. */
export abstract class GcraneError extends Error {
  /** A literal to switch on; it stays the same between releases. */
  abstract readonly code: string;
  /** What the user can do next, where there is something to do. */
  readonly hint: string | undefined;

  /** Makes the error; `options` holds its cause and hint. */
  constructor(message: string, options: GcraneErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** A registry, repository, tag, digest or reference that can't be parsed. */
export class NameError extends GcraneError {
  /** @inheritdoc */
  readonly code = "NAME_INVALID";
}

/** A digest string that is not `algorithm:hex` of a supported algorithm. */
export class HashError extends GcraneError {
  /** @inheritdoc */
  readonly code = "HASH_INVALID";
}

/** A platform string or object that can't be understood. */
export class PlatformError extends GcraneError {
  /** @inheritdoc */
  readonly code = "PLATFORM_INVALID";
}

/** Bytes whose digest is not the one that was promised. */
export class DigestMismatchError extends GcraneError {
  /** @inheritdoc */
  readonly code = "DIGEST_MISMATCH";
}

/** More or fewer bytes than were promised. */
export class SizeMismatchError extends GcraneError {
  /** @inheritdoc */
  readonly code = "SIZE_MISMATCH";
}

/** More bytes, redirects or entries than a limit allows. */
export class LimitError extends GcraneError {
  /** @inheritdoc */
  readonly code = "LIMIT_EXCEEDED";
}

/** A gzip or zstd stream that is corrupt or ends early. */
export class CompressionError extends GcraneError {
  /** @inheritdoc */
  readonly code = "COMPRESSION_INVALID";
}

/** A tar archive that is corrupt, ends early or can't be written as asked. */
export class TarError extends GcraneError {
  /** @inheritdoc */
  readonly code = "TAR_INVALID";
}

/** A manifest, an index or a config file that is not what it says it is. */
export class ManifestError extends GcraneError {
  /** @inheritdoc */
  readonly code = "MANIFEST_INVALID";
}

/** A tarball (the output of `docker save`) that is not one, or holds no such image. */
export class TarballError extends GcraneError {
  /** @inheritdoc */
  readonly code = "TARBALL_INVALID";
}

/** An OCI image layout that is not one, or whose blobs can't be trusted. */
export class LayoutError extends GcraneError {
  /** @inheritdoc */
  readonly code = "LAYOUT_INVALID";
}

/** Something asked for by name or digest that its source does not hold. */
export class NotFoundError extends GcraneError {
  /** @inheritdoc */
  readonly code = "NOT_FOUND";
}

/** An image, an index or a layer whose parts disagree with one another. */
export class ValidationError extends GcraneError {
  /** @inheritdoc */
  readonly code = "VALIDATION_FAILED";
}

/** A streaming layer asked for its digest before it was read, or read for the second time. */
export class StreamLayerError extends GcraneError {
  /** @inheritdoc */
  readonly code = "STREAM_LAYER";
}

/** Credentials that can't be read, found or exchanged. */
export class AuthError extends GcraneError {
  /** @inheritdoc */
  readonly code = "AUTH_FAILED";
}

/** A URL that the rules on redirects, realms and private addresses refuse. */
export class UnsafeUrlError extends GcraneError {
  /** @inheritdoc */
  readonly code = "URL_REFUSED";
}

/** What broke, where a request got no answer or not all of it. */
export type NetworkFailure =
  | "no-socket"
  | "denied"
  | "unresolved"
  | "refused"
  | "untrusted"
  | "not-tls"
  | "not-http"
  | "timeout"
  | "unreachable"
  | "cut";

/** No answer: the name does not resolve, the connection is refused, cut or times out. */
export class NetworkError extends GcraneError {
  /** @inheritdoc */
  readonly code = "NETWORK_FAILED";
  /** What broke; `undefined` where that is not known. */
  readonly reason: NetworkFailure | undefined;

  /** Makes the error; `reason` is what broke. */
  constructor(message: string, options: GcraneErrorOptions & { reason?: NetworkFailure | undefined } = {}) {
    super(message, options);
    this.reason = options.reason;
  }
}

/** An answer of a registry that is not what the distribution-spec allows. */
export class ProtocolError extends GcraneError {
  /** @inheritdoc */
  readonly code = "PROTOCOL_INVALID";
}

/** A Docker engine that fails at what it was asked to do, or is none. */
export class DaemonError extends GcraneError {
  /** @inheritdoc */
  readonly code = "DAEMON_FAILED";
}

/** What this runtime can't do: a file system in a browser, for example. */
export class UnsupportedError extends GcraneError {
  /** @inheritdoc */
  readonly code = "UNSUPPORTED";
}

/** A file or directory that can't be read or written. */
export class FileError extends GcraneError {
  /** @inheritdoc */
  readonly code = "FILE_FAILED";
  /** The operating system's name for it, `ENOENT` for example, where there is one. */
  readonly errno: string | undefined;

  /** Makes the error; `errno` is the operating system's name for it. */
  constructor(message: string, options: GcraneErrorOptions & { errno?: string } = {}) {
    super(message, options);
    this.errno = options.errno;
  }
}

/** A store of a registry that fails: its disk is full, or its bucket does not answer. */
export class StoreError extends GcraneError {
  /** @inheritdoc */
  readonly code = "STORE_FAILED";
}

/** An upload to a registry's store that another server went on with, or ended: it stays as that left it. */
export class ConflictError extends GcraneError {
  /** @inheritdoc */
  readonly code = "CONFLICT";
}

/** A journal of work that is not one, or one of other work. */
export class JournalError extends GcraneError {
  /** @inheritdoc */
  readonly code = "JOURNAL_INVALID";
}

/** A wrong use of the command line: exit code 2. */
export class UsageError extends GcraneError {
  /** @inheritdoc */
  readonly code = "USAGE";
}

/** One entry of an error body (distribution-spec, "Error Codes"). */
export interface Diagnostic {
  /** `MANIFEST_UNKNOWN`, `UNAUTHORIZED`, … */
  code: string;
  /** The registry's own words. */
  message?: string;
  /** Whatever else the registry says. */
  detail?: unknown;
}

/** What an {@linkcode HttpError} takes besides its message. */
export interface HttpErrorOptions extends GcraneErrorOptions {
  /** The status of the answer. */
  status: number;
  /** The method of the request. */
  method: string;
  /** The URL of the request; secrets in it must be redacted already. */
  url: string;
  /** The entries of the error body, if it had any. */
  diagnostics?: readonly Diagnostic[];
  /** How long the server asks to wait, in milliseconds. */
  retryAfter?: number;
}

/** An HTTP answer with a status that is not among those expected. */
export class HttpError extends GcraneError {
  /** @inheritdoc */
  readonly code = "HTTP_STATUS";
  /** The status of the answer. */
  readonly status: number;
  /** The method of the request. */
  readonly method: string;
  /** The URL of the request, its secrets redacted. */
  readonly url: string;
  /** The entries of the error body, empty if it had none. */
  readonly diagnostics: readonly Diagnostic[];
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number | undefined;

  /** Makes the error from an answer. */
  constructor(message: string, options: HttpErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.method = options.method;
    this.url = options.url;
    this.diagnostics = options.diagnostics ?? [];
    this.retryAfter = options.retryAfter;
  }
}
