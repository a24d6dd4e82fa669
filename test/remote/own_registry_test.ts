import { after, before, describe } from "node:test";
import { createRegistry, type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { roundTrips } from "./round_trips.ts";

describe("with the registry of this package, in memory", () => {
  const registry = createRegistry();
  roundTrips(() => ({ host: "registry.example.com", fetch: registry.fetch as typeof fetch }));
});

describe("with the registry of this package, over the wire", () => {
  const stop = new AbortController();
  let server: RegistryServer;
  before(async () => {
    server = await serveRegistry({ signal: stop.signal });
  });
  after(async () => {
    stop.abort();
    await server.finished;
  });
  roundTrips(() => ({ host: `${server.hostname}:${server.port}` }));
});
