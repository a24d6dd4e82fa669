import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore } from "../../src/registry/mod.ts";
import { storeContract } from "../contracts/store_contract.ts";

for (const sync of [true, false]) {
  storeContract(`fileStore with sync ${sync}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "gcrane_store_"));
    return {
      store: fileStore(join(directory, "made", "when", "needed"), { sync }),
      another: () => fileStore(join(directory, "made", "when", "needed"), { sync }),
      close: () => rm(directory, { recursive: true }),
    };
  }, { shared: true });
}
