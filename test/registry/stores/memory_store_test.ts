import { memoryStore } from "../../../src/registry/mod.ts";
import { storeContract } from "../../contracts/store_contract.ts";

storeContract("memoryStore", () => Promise.resolve({ store: memoryStore() }));
