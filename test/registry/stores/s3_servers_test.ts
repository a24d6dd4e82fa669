import { after, before, describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { collectStoreGarbage, createRegistry, s3Store } from "../../../src/registry/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { registryContract } from "../../contracts/registry_contract.ts";
import { digestOf, patterned, storeContract, stream, text } from "../../contracts/store_contract.ts";
import { describePeer, moto, type Peer, radosgw, type S3Server } from "../../peers/mod.ts";

const servers: [name: Peer, start: () => Promise<S3Server>, heeds: boolean][] = [
  ["moto", moto, true],
  ["radosgw", radosgw, true],
];

for (const [name, start, heeds] of servers) {
  describePeer(`S3 of ${name}`, [name], () => {
    let s3: S3Server;
    let count = 0;
    before(async () => void (s3 = await start()));
    after(() => s3.stop());
    const open = (prefix: string) => s3Store({ ...s3.options, prefix, retry: { attempts: 2, delayMs: 10 } });
    const fresh = (kind: string) => `${kind}/${++count}/`;

    storeContract("is a store", () => {
      const prefix = fresh("contract");
      return Promise.resolve({ store: open(prefix), another: () => open(prefix) });
    }, { shared: true });

    registryContract("is below a registry", () => {
      const { fetch } = createRegistry({ store: open(fresh("registry")) });
      return Promise.resolve({ fetch, base: "http://registry.example.com" });
    });

    it("heeds conditions of writes, or not", async () => {
      assertEquals(await open(fresh("conditions")).heedsConditions(), heeds);
    });

    it("a record is replaced by one of several at once", async () => {
      const prefix = fresh("records");
      const value = text("one");
      await open(prefix).records.put("a/b", value);
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) => open(prefix).records.replace!("a/b", text(`${i}`), { expected: value })),
      );
      assertEquals(all.filter(Boolean).length, 1);
      assertEquals(await open(prefix).records.get("a/b"), text(`${all.indexOf(true)}`));
    });
  });
}
