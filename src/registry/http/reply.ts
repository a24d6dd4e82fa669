import type { ByteStream } from "../../runtime/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";

/** The codes of an error body (distribution-spec, "Error Codes"). */
export type ErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "DENIED"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "TOOMANYREQUESTS"
  | "UNAUTHORIZED"
  | "UNSUPPORTED"
  | "UNKNOWN";

/** What a refusal says beside its code. */
export interface RefusalOptions {
  /** For people. */
  message: string;
  /**
   * For programs.
   * @default none
   */
  detail?: unknown;
  /**
   * Further headers.
   * @default none
   */
  headers?: Record<string, string>;
}

/** Options of {@linkcode replyBytes}. */
export interface ReplyOptions {
  /**
   * The status.
   * @default 200
   */
  status?: number;
  /** The media type of the body. */
  type: string;
  /** The number of the body's bytes. */
  size: number;
  /**
   * Further headers.
   * @default none
   */
  headers?: Record<string, string>;
}

/**
 * An answer with a body, or with the headers of one where the body is `null` because the request is a HEAD. Its type
 * and length are always said: some servers compress what has no type, and lose its length.
 */
export function replyBytes(body: Uint8Array<ArrayBuffer> | ByteStream | null, options: ReplyOptions): Response {
  const { status = 200, type, size, headers } = options;
  return new Response(body, {
    status,
    headers: {
      "Content-Type": type,
      "Content-Length": String(size),
      "Docker-Distribution-API-Version": "registry/2.0",
      ...headers,
    },
  });
}

/** An answer of JSON. */
export function replyJson(value: unknown, options: { type?: string; headers?: Record<string, string> } = {}): Response {
  const { type = "application/json", headers } = options;
  const bytes = jsonBytes(value);
  return replyBytes(bytes, { type, size: bytes.length, headers });
}

/** An answer without a body: 201, 202 or 204. */
export function replyEmpty(status: number, headers: Record<string, string> = {}): Response {
  const response = replyBytes(null, { status, type: "text/plain; charset=utf-8", size: 0, headers });
  if (status === 204) response.headers.delete("Content-Length"); // RFC 9110, section 8.6: there must be none
  return response;
}

/** An answer that says what was wrong. */
export function refuse(status: number, code: ErrorCode, options: RefusalOptions): Response {
  return refuseAll(status, [{ code, ...options }]);
}

/** An answer that says several things that were wrong. */
export function refuseAll(status: number, errors: readonly (RefusalOptions & { code: ErrorCode })[]): Response {
  const body = jsonBytes({ errors: errors.map(({ code, message, detail }) => ({ code, message, detail })) });
  const headers = Object.assign({}, ...errors.map((error) => error.headers ?? {}));
  return replyBytes(body, { status, type: "application/json", size: body.length, headers });
}

/** The answer to what should be a digest and is none. */
export function digestInvalid(): Response {
  return refuse(400, "DIGEST_INVALID", {
    message: "the digest is not sha256: with 64 or sha512: with 128 lower-case hex digits",
  });
}
