import type { Timeouts } from "../../../http/mod.ts";
import type { RetryOptions } from "../../../io/mod.ts";

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
  /** The access key. */
  readonly accessKeyId: string;
  /** The secret that belongs to it. */
  readonly secretAccessKey: string;
  /**
   * The token of temporary credentials.
   * @default none
   */
  readonly sessionToken?: string;
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
