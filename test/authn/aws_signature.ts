import { assertEquals } from "@std/assert";
import { createHash, createHmac } from "node:crypto";

/** A request whose signature is to be verified. */
export interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** The credentials that the server accepts. */
export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly service: string;
  /** The time of the server, in milliseconds. */
  readonly now: number;
  /** Headers that must be under the signature, besides those that always are. */
  readonly signed: readonly string[];
}

const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/**
 * Verifies a request as AWS does (Signature Version 4), by a computation of its own.
 *
 * @throws {AssertionError} when the signature, its scope or its time is not right.
 */
export function verifyAwsSignature(request: SignedRequest, signer: Signer): void {
  const [matched, keyId, day, region, service, names, signature] =
    HEADER.exec(request.headers.get("authorization") ?? "") ?? [];
  assertEquals(typeof matched, "string", "there is no signature");
  assertEquals([keyId, region, service], [signer.accessKeyId, signer.region, signer.service]);
  assertEquals(request.headers.get("x-amz-security-token"), signer.sessionToken ?? null);

  const date = request.headers.get("x-amz-date") ?? "";
  assertEquals(date.slice(0, 8), day);
  const iso = date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5");
  assertEquals(Math.abs(Date.parse(iso) - signer.now) <= 5 * 60_000, true, `${date} is not the time`);

  const signedHeaders = names.split(";");
  assertEquals(signedHeaders, [...signedHeaders].sort());
  const always = ["host", "x-amz-date", ...signer.sessionToken === undefined ? [] : ["x-amz-security-token"]];
  for (const name of [...always, ...signer.signed]) {
    assertEquals(signedHeaders.includes(name), true, `${name} is not signed`);
  }

  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url),
    ...signedHeaders.map((name) => `${name}:${name === "host" ? request.url.host : request.headers.get(name)?.trim()}`),
    "",
    names,
    sha256(request.body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  let key: string | Uint8Array = `AWS4${signer.secretAccessKey}`;
  for (const part of [day, region, service, "aws4_request"]) key = hmac(key, part);
  assertEquals(signature, createHmac("sha256", key).update(toSign).digest("hex"), "the signature is not the key's");
}

function canonicalQuery(url: URL): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}
