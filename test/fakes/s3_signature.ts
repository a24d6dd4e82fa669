import { createHash, createHmac } from "node:crypto";

/** The keys that a fake S3 knows. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly sessionToken?: string;
}

/** Headers that no client can sign, because its runtime adds them or they hold the signature. */
const OF_THE_RUNTIME = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "authorization",
  // By the Fetch standard, a request with If-Match or If-None-Match has cache-control and pragma: Node.js adds them.
  "cache-control",
  "connection",
  "content-length",
  "host",
  "pragma",
  "sec-fetch-mode",
  "user-agent",
]);

/** What is wrong with the signature of a request (AWS Signature Version 4), as S3 would call it; else `undefined`. */
export function signatureProblem(request: Request, keys: S3Keys): string | undefined {
  const url = new URL(request.url);
  const isQuery = url.searchParams.has("X-Amz-Signature");
  const header = request.headers.get("Authorization") ?? "";
  if (isQuery && header !== "") return "InvalidArgument"; // S3 takes one of them
  const inQuery = (name: string) => url.searchParams.get(`X-Amz-${name}`) ?? "";
  const match = isQuery
    ? ["", inQuery("Credential"), inQuery("SignedHeaders"), inQuery("Signature")]
    : /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(header);
  if (!match) return "AccessDenied";
  const [, credential, signedHeaders, signature] = match;
  url.searchParams.delete("X-Amz-Signature");
  const part = (name: string) => isQuery ? url.searchParams.get(name) : request.headers.get(name);
  const [accessKeyId, day, region, service, terminator] = credential.split("/");
  if (accessKeyId !== keys.accessKeyId) return "InvalidAccessKeyId";
  if (region !== keys.region || service !== "s3" || terminator !== "aws4_request") {
    return "AuthorizationHeaderMalformed";
  }
  if ((part("X-Amz-Security-Token") ?? undefined) !== keys.sessionToken) return "InvalidToken";
  const time = part("X-Amz-Date") ?? "";
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  const validMs = isQuery ? Number(inQuery("Expires")) * 1000 : 15 * 60_000;
  if (!(Math.abs(at - Date.now()) < validMs)) return isQuery ? "AccessDenied" : "RequestTimeTooSkewed";
  const names = signedHeaders.split(";");
  for (const name of request.headers.keys()) {
    // S3 wants the host and all of its own headers signed; Ceph also refuses an unsigned Content-Type.
    if (!isQuery && !OF_THE_RUNTIME.has(name) && !names.includes(name)) return "AccessDenied";
  }
  if (!names.includes("host")) return "AccessDenied";

  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
  const headers = names.map((name) => `${name}:${name === "host" ? url.host : request.headers.get(name)?.trim()}\n`);
  const path = url.pathname.split("/").map((segment) => encode(decodeURIComponent(segment))).join("/");
  const canonical = [
    request.method,
    path,
    query,
    headers.join(""),
    signedHeaders,
    isQuery ? "UNSIGNED-PAYLOAD" : request.headers.get("X-Amz-Content-Sha256"),
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const hashed = createHash("sha256").update(canonical).digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, hashed].join("\n");
  const sign = (key: string | Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();
  const key = ["s3", "aws4_request"].reduce<Uint8Array>(
    sign,
    sign(sign(`AWS4${keys.secretAccessKey}`, day), region),
  );
  return createHmac("sha256", key).update(toSign).digest("hex") === signature ? undefined : "SignatureDoesNotMatch";
}
