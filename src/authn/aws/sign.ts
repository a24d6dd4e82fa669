import { AuthError } from "../../errors.ts";
import { isHeaderText } from "../../io/mod.ts";
import type { Surroundings } from "../surroundings.ts";
import type { AwsCredentials } from "./credentials.ts";

/** A request to sign. */
export interface AwsRequest {
  /** The method. */
  readonly method: "GET" | "POST";
  /** The URL. */
  readonly url: URL;
  /** The headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly body: string;
}

/** Options of {@linkcode signAws}. */
export interface SignAwsOptions extends Pick<Surroundings, "now"> {
  /** The keys. */
  readonly credentials: AwsCredentials;
  /** The region of the service. */
  readonly region: string;
  /** The name of the service in signatures. */
  readonly service: string;
}

/**
 * Returns the headers of a request with its signature (AWS Signature Version 4).
 *
 * @throws {AuthError} if a key is not valid in a header.
 */
export async function signAws(request: AwsRequest, options: SignAwsOptions): Promise<Headers> {
  const { credentials, region, service, now } = options;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  if (!isHeaderText(accessKeyId) || !isHeaderText(sessionToken ?? "")) {
    throw new AuthError("the keys for AWS have characters that no header can carry", {
      hint: "look at AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or where else they are from",
    });
  }
  // Loaded on first use only.
  const { AwsV4Signer } = await import("aws4fetch");
  const signer = new AwsV4Signer({
    ...request,
    url: request.url.href,
    accessKeyId,
    secretAccessKey,
    sessionToken,
    region,
    service,
    datetime: new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
  return (await signer.sign()).headers;
}
