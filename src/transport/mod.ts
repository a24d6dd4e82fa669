/**
 * The HTTP of registries: ping, challenges, token exchange, redirects under a policy, retries, errors.
 *
 * The rest of the package uses {@linkcode Connection}. The parts are exported for other clients.
 *
 * @example
 * ```ts
 * import { parseChallenges, redactUrl } from "@gcrane/gcrane/transport";
 *
 * const [challenge] = parseChallenges(['Bearer realm="https://auth.example.com/token",service="example.com"']);
 * console.log(challenge.parameters.realm); // https://auth.example.com/token
 * console.log(redactUrl("https://user:secret@example.com/blob?sig=abc")); // https://example.com/blob?sig=REDACTED
 * ```
 *
 * @module
 */
export { answerableChallenge, type Challenge, parseChallenges, responseChallenges } from "./challenge.ts";
export {
  discard,
  errorWords,
  findOrUndefined,
  parseRetryAfter,
  readBody,
  type ReadBodyOptions,
  requestError,
  type RequestLine,
  responseError,
} from "./check.ts";
export {
  type BodyLimit,
  Connection,
  type RegistryRequest,
  retryVerdict,
  type TransportOptions,
  type WholeAnswer,
} from "./connection.ts";
export { nextLink } from "./link.ts";
export { type Ping, ping, type PingOptions } from "./ping.ts";
export {
  type Answer,
  type NativeBody,
  type OutgoingRequest,
  type Patience,
  type RequestEvent,
  resolveLocation,
  send,
  type SendOptions,
  type StreamBody,
} from "./send.ts";
export { basicAuthorization, type ExchangeOptions, exchangeToken, type Token } from "./token.ts";
export {
  checkForeignUrl,
  checkLink,
  checkRealm,
  checkRedirect,
  hostAndPort,
  isPrivateHost,
  MAX_REDIRECTS,
  mayAuthorize,
} from "./url_policy.ts";
export { redactedCause, redactUrl, type Timeouts, userAgent } from "../http/mod.ts";
export { VERSION } from "../version.ts";
