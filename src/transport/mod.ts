/**
 * The HTTP of registries: ping, challenges, token exchange, redirects under a policy, retries, errors.
 *
 * The rest of the package uses {@linkcode Connection}.
 *
 * @example
 * ```ts
 * import { parseChallenges } from "@gcrane/gcrane/transport";
 *
 * const [challenge] = parseChallenges(['Bearer realm="https://auth.example.com/token",service="example.com"']);
 * console.log(challenge.parameters.realm); // https://auth.example.com/token
 * ```
 *
 * @module
 */
export { type Challenge, parseChallenges } from "./challenge.ts";
export {
  type BodyLimit,
  Connection,
  type RegistryRequest,
  type TransportOptions,
  type WholeAnswer,
} from "./connection.ts";
export { type Ping, ping, type PingOptions } from "./ping.ts";
export type { Answer, NativeBody, OutgoingRequest, Patience, RequestEvent, SendOptions, StreamBody } from "./send.ts";
export { type ExchangeOptions, exchangeToken, type Token } from "./token.ts";
export {
  machineRegistries,
  type MachineRegistriesOptions,
  type Mirror,
  type RegistryLookup,
  type RegistrySettings,
  type Timeouts,
  userAgent,
} from "../http/mod.ts";
export { VERSION } from "../version.ts";
