/**
 * HTTP requests with time limits and retries, the detection of network failures on every runtime, the shared `fetch`
 * functions, and redaction. The other rooms add their requests, messages and hints. Internal to the package.
 *
 * @module
 */
export {
  ask,
  type AskOptions,
  type HttpRequest,
  readBody,
  type ReadBodyOptions,
  type StreamBody,
  userAgent,
} from "./ask.ts";
export { type Failure, type FailureWords, networkError, readFailure, redactedCause } from "./failure.ts";
export { type ConnectionOptions, fetchFor } from "./fetch_for.ts";
export { plainText, redactUrl, redactUrlsIn } from "./redact.ts";
export { BodyReader, TimeLimitError, type Timeouts, timeoutsOf, type Wait } from "./time_limit.ts";
