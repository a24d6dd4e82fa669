import { decodeBase64 } from "@std/encoding/base64";
import { AuthError } from "../../errors.ts";

/**
 * Checks a text in PEM (RFC 7468) and returns it: runtimes report a broken one badly, or ignore it.
 *
 * @param what `CERTIFICATE`, or `PRIVATE KEY` for a key of any kind.
 * @param source the origin of the text, for the error message.
 * @throws {AuthError} if it is not valid; the message contains none of it.
 */
export function checkPem(text: string, what: "CERTIFICATE" | "PRIVATE KEY", source: string): string {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)];
  const found = blocks.filter(([, label]) => label.endsWith(what));
  if (found.length > 0 && found.every(([, , body]) => isAsn1(body))) return text;
  const name = what === "CERTIFICATE" ? "certificate" : "private key";
  throw new AuthError(`${source} is not a ${name} in PEM`, { hint: `it begins with -----BEGIN ${what}-----` });
}

/** Whether a body is base64 of an ASN.1 sequence. An old encrypted key has headers before it. */
function isAsn1(body: string): boolean {
  try {
    return decodeBase64(body.replace(/^\s*(?:[\w-]+:.*\s+)+/, "").replace(/\s+/g, ""))[0] === 0x30;
  } catch {
    return false;
  }
}
