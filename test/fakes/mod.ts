/**
 * Servers and networks that exist only for tests, and misbehave on cue.
 *
 * @module
 */
export {
  bytesOf,
  CUT,
  type FakeAnswer,
  type FakeHandler,
  type FakeOutcome,
  type FakeRequest,
  firstBytes,
  type RecordedRequest,
  STALL,
  utf8,
} from "./messages.ts";
export { type CuttingProxy, cuttingProxy } from "./cutting_proxy.ts";
export { type FailingNetwork, failingNetwork, type NetworkFault } from "./failing_network.ts";
export { type FakeServer, fakeServer } from "./http_server.ts";
export { type FakeFetch, fakeFetch, type FakeNetwork } from "./fake_fetch.ts";
export { type Cue, digestOf, FakeRegistry, type FakeRegistryOptions, json, problem } from "./fake_registry.ts";
export { type Asked, askedOf, askRegistry, inMemory, type WholeAnswer, type WholeRequest } from "./registry_front.ts";
export { TokenServer } from "./token_server.ts";
export { type Quirk, QUIRK_USER, QuirkyRegistry } from "./quirky_registry.ts";
export { SIGN_IN_QUIRKS } from "./quirks_of_sign_in.ts";
export { READING_QUIRKS } from "./quirks_of_reading.ts";
export { UPLOAD_QUIRKS } from "./quirks_of_uploads.ts";
