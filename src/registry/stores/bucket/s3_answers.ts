import { StoreError } from "../../../errors.ts";
import { readBody } from "../../../http/mod.ts";
import { Limits } from "../../../io/mod.ts";

/** A failure that S3 answered. */
export interface S3Failure {
  /** The error to throw. */
  readonly error: StoreError;
  /** The error code of S3, or the status. */
  readonly code: string;
}

const HINTS: Readonly<Record<string, string>> = {
  AccessDenied: "check what the key may do: it reads, writes, deletes and lists objects",
  AuthorizationHeaderMalformed: "check the region",
  InvalidAccessKeyId: "check the access key",
  NoSuchBucket: "make the bucket first, and check its name and region",
  PermanentRedirect: "check the endpoint and the region: the bucket is elsewhere",
  RequestTimeTooSkewed: "set the clock of this machine",
  SignatureDoesNotMatch: "check the secret access key",
};

/** Reads the answer to a request that failed; `doing` describes the request. */
export async function readFailure(doing: string, response: Response): Promise<S3Failure> {
  const text = await textOf(response).catch(() => "");
  return failureOf(doing, response.status, text);
}

/** Makes the failure from an error body of XML. */
export function failureOf(doing: string, status: number, text: string): S3Failure {
  const code = element(text, "Code") ?? String(status);
  const message = element(text, "Message")?.slice(0, 200).replaceAll(/\s+/g, " ");
  const parts = [String(status), code === String(status) ? "" : code, message ? `(${message})` : ""].filter(Boolean);
  const error = new StoreError(`can't ${doing}: the service answers ${parts.join(" ")}`, { hint: HINTS[code] });
  return { error, code };
}

/** Reads a small body as text. */
export async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await readBody(response, { limit: Limits.page, what: "the answer" }));
}

/** Returns the text of the first element of a name, or `undefined`. The elements of S3's XML that matter have no attributes. */
export function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : decodeEntities(text);
}

/** Returns the content of each element of a name. */
export function elements(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "gs")), (match) => match[1]);
}

function decodeEntities(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replaceAll(
    /&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos));/gi,
    (_, hex, decimal, name) =>
      name ? named[name.toLowerCase()] : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );
}
