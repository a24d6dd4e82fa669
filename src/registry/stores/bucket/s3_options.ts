import type { AwsCredentials } from "../../../authn/ecr/mod.ts";
import type { Timeouts } from "../../../http/mod.ts";
import { type AbortOptions, isHeaderText, type RetryOptions } from "../../../io/mod.ts";

/** Options of `s3Store`. */
export interface S3StoreOptions {
  /** The URL of the service, such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  /** The name of the bucket, which has to exist. */
  readonly bucket: string;
  /**
   * The region that requests are signed for.
   * @default "us-east-1"
   */
  readonly region?: string;
  /**
   * The access key.
   * @default that of `credentials`
   */
  readonly accessKeyId?: string;
  /**
   * The secret that belongs to it.
   * @default that of `credentials`
   */
  readonly secretAccessKey?: string;
  /**
   * The token of temporary credentials.
   * @default none
   */
  readonly sessionToken?: string;
  /**
   * Returns the keys, if there is no `accessKeyId`, such as a provider of the AWS SDK for JavaScript. Called for each
   * request.
   * @default the first of: environment, web identity, shared files, container, machine
   */
  readonly credentials?: (options?: AbortOptions) => Promise<AwsCredentials>;
  /**
   * The start of the keys of all objects, such as `registry/`: several stores may share a bucket.
   * @default none
   */
  readonly prefix?: string;
  /**
   * Whether the bucket's name is in the path of URLs instead of in the host.
   * @default true
   */
  readonly pathStyle?: boolean;
  /**
   * Sends requests.
   * @default the runtime's, HTTP/2 off
   */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * The retries after transient failures.
   * @default 5 times in all, with waits that grow from 200 milliseconds
   */
  readonly retry?: Pick<RetryOptions, "attempts" | "delayMs" | "maxDelayMs" | "wait">;
  /**
   * The time limits of requests.
   * @default 60 seconds for the answer to a read and between its bytes, 10 minutes for the answer to a write
   */
  readonly timeouts?: Pick<Timeouts, "answerMs" | "slowAnswerMs" | "stallMs">;
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const PREFIX = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*$/;
const ADDRESS = /^(?:[\d.]+|\[.*\])$/;

/** Throws a `TypeError` for options that can't be right. */
export function checkS3Options(options: S3StoreOptions): void {
  const { endpoint, bucket, prefix = "", pathStyle = true, accessKeyId, secretAccessKey, sessionToken = "" } = options;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new TypeError(`the S3 endpoint ${JSON.stringify(endpoint)} is not a URL of http or https`);
  }
  if (!BUCKET.test(bucket)) throw new TypeError(`${JSON.stringify(bucket)} is not the name of an S3 bucket`);
  if (!pathStyle && ADDRESS.test(new URL(endpoint).hostname)) {
    throw new TypeError(`the S3 endpoint ${endpoint} is an address, before which no bucket's name can stand`);
  }
  if (!PREFIX.test(prefix)) {
    throw new TypeError(`the S3 prefix ${JSON.stringify(prefix)} does not consist of names that each end with a slash`);
  }
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new TypeError("accessKeyId and secretAccessKey for S3 require each other");
  }
  if (![accessKeyId ?? "", sessionToken].every(isHeaderText)) {
    throw new TypeError("the access key or the session token for S3 has characters that no header can carry");
  }
}
