import type { Timeouts } from "../../../http/mod.ts";
import type { RetryOptions } from "../../../io/mod.ts";

/** Options of `s3Store`. */
export interface S3StoreOptions {
  /** Where the service is: `https://s3.eu-central-1.amazonaws.com` for example. */
  readonly endpoint: string;
  /** The name of the bucket, which has to be there. */
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
   * What the keys of all objects start with, `registry/` for example: several stores may share a bucket.
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
   * How what failed for a moment's reasons is tried again.
   * @default 5 times in all, with growing waits from 200 milliseconds on
   */
  readonly retry?: Pick<RetryOptions, "attempts" | "delayMs" | "maxDelayMs" | "wait">;
  /**
   * How long the service is waited for.
   * @default 60 seconds for what is read and for each of its bytes, 10 minutes for what is written
   */
  readonly timeouts?: Pick<Timeouts, "answerMs" | "slowAnswerMs" | "stallMs">;
}
