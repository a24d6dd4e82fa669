// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { answerableChallenge, responseChallenges } from "./challenge.ts";
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
  type Shown,
} from "./check.ts";
export { connect, connectMirror, settingsOf } from "./connect.ts";
export { retryVerdict } from "./connection.ts";
export { nextLink } from "./link.ts";
export { resolveLocation, send } from "./send.ts";
export { basicAuthorization } from "./token.ts";
export {
  checkForeignUrl,
  checkLink,
  checkRealm,
  checkRedirect,
  hostAndPort,
  isPrivateHost,
  mayAuthorize,
} from "./url_policy.ts";
export { redactedCause, redactUrl } from "../http/mod.ts";
