/**
 * HTTP requests with time limits and retries, the errors of broken networks on every runtime, the `fetch` for
 * connection options, and redaction. The rooms add their requests, messages and hints. Not exported from the package.
 *
 * @module
 */
export { addressBits, hostOf, isInRange, isLocalHost } from "./address.ts";
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
export type { HostCertificates } from "./certificate_files.ts";
export { certsDirectories, type ConnectionOptions, fetchFor, fetchWith } from "./fetch_for.ts";
export { plainText, redactUrl, redactUrlsIn } from "./redact.ts";
export { machineRegistries, type MachineRegistriesOptions } from "./machine_registries.ts";
export type { Mirror, RegistryLookup, RegistrySettings } from "./registry_lookup.ts";
export { BodyReader, TimeLimitError, type Timeouts, timeoutsOf, type Wait } from "./time_limit.ts";
