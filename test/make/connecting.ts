import { basic, type Keychain } from "../../src/authn/mod.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { Connection, type RegistryRequest, type TransportOptions } from "../../src/transport/mod.ts";
import { type FakeFetch, fakeFetch, type FakeNetwork, FakeRegistry, type FakeRegistryOptions } from "../fakes/mod.ts";

/** The scope of a token that pulls from the repository that tests ask for. */
export const PULL = "repository:team/app:pull";

/** Finds `ann` with the password `s3cret` for everything. */
export const annsKeychain: Keychain = { resolve: () => Promise.resolve(basic("ann", "s3cret")) };

/** How long a connection meant to wait. */
export interface Waits {
  readonly waits: number[];
}

/** A connection to `registry.example.com` in a fake network. It does not really wait. */
export function connecting(
  network: FakeNetwork,
  options: TransportOptions = {},
): FakeFetch & Waits & { connection: Connection } {
  const faked = fakeFetch(network);
  const waits: number[] = [];
  const wait = (ms: number) => {
    waits.push(ms);
    return Promise.resolve();
  };
  const connection = new Connection(parseRegistry("registry.example.com"), {
    fetch: faked.fetch,
    ...options,
    retry: { wait, random: () => 0, ...options.retry },
  });
  return { ...faked, waits, connection };
}

/** A connection to a fake registry. */
export function connectingTo(
  registry: FakeRegistry,
  options: TransportOptions = {},
): ReturnType<typeof connecting> {
  return connecting({ "https://registry.example.com": registry.handle }, options);
}

/** A registry with one manifest, `team/app:v1`. */
export function registryWithManifest(options: FakeRegistryOptions = {}): FakeRegistry {
  const registry = new FakeRegistry(options);
  const bytes = new TextEncoder().encode('{"schemaVersion":2}');
  registry.addManifest("team/app", { bytes, mediaType: "application/vnd.oci.image.manifest.v1+json" }, "v1");
  return registry;
}

/** A request for the manifest, or another with the given differences. */
export function asking(changes: Partial<RegistryRequest> = {}): RegistryRequest {
  return { method: "GET", to: "/v2/team/app/manifests/v1", scopes: [PULL], expect: [200], ...changes };
}
