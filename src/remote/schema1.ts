import { decodeBase64Url } from "@std/encoding/base64url";
import { ManifestError } from "../errors.ts";
import { type Bytes, concat } from "../runtime/mod.ts";
import { parseJsonObject } from "../spec/internal.ts";

/**
 * Returns the signed payload of a schema 1 manifest, which its digest covers: the manifest without its signatures. Each
 * signature gives the payload's length within the bytes and the text after it.
 *
 * @throws {ManifestError} if no signature gives them.
 */
export function signedPayload(bytes: Bytes, what: string): Bytes {
  const { signatures } = parseJsonObject(bytes, what);
  const first = Array.isArray(signatures) ? signatures[0] as { protected?: unknown } : undefined;
  const header = typeof first?.protected === "string" ? base64Url(first.protected) : undefined;
  if (header) {
    const { formatLength, formatTail } = parseJsonObject(header, `the signature of ${what}`);
    const tail = typeof formatTail === "string" ? base64Url(formatTail) : undefined;
    if (tail && Number.isSafeInteger(formatLength) && formatLength as number >= 0) {
      return concat([bytes.subarray(0, formatLength as number), tail]);
    }
  }
  throw new ManifestError(`${what} is a signed schema 1 manifest whose signature can't be read`);
}

function base64Url(text: string): Bytes | undefined {
  try {
    return decodeBase64Url(text);
  } catch {
    return undefined;
  }
}
