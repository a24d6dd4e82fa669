import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, fileStore, serveRegistry } from "../../src/registry/mod.ts";
import { registryContract } from "../contracts/registry_contract.ts";

registryContract("a registry in memory, without a socket", () => {
  const { fetch } = createRegistry();
  return Promise.resolve({ fetch, base: "http://registry.example.com" });
});

registryContract("a registry on a disk, without a socket", async () => {
  const disk = await mkdtemp(join(tmpdir(), "gcrane_registry_"));
  const { fetch } = createRegistry({ store: fileStore(disk, { sync: false }) });
  return { fetch, base: "https://registry.example.com:5000", close: () => rm(disk, { recursive: true }) };
});

registryContract("a registry on a disk, over a socket", async () => {
  const disk = await mkdtemp(join(tmpdir(), "gcrane_registry_"));
  const server = await serveRegistry({ disk });
  return {
    fetch,
    base: server.url,
    async close() {
      await server.shutdown();
      await rm(disk, { recursive: true });
    },
  };
});
