import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { memoryStore, r2Store, type RegistryStore, s3Store } from "../../../src/registry/mod.ts";
import { text } from "../../contracts/store_contract.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";

const stores: Record<string, () => RegistryStore> = {
  memory: memoryStore,
  ...Object.fromEntries((["heeded", "ignored", "refused"] as const).map((conditions) => [
    `S3 where conditions are ${conditions}`,
    () => {
      const s3 = new FakeS3({ conditions });
      return s3Store({ ...s3.keys, fetch: s3.fetch });
    },
  ])),
  R2: () => r2Store(new FakeR2()),
};

for (const [name, open] of Object.entries(stores)) {
  describe(`a record of ${name}`, () => {
    it("is replaced only if it is as expected, and by one of several at once", async () => {
      const { records } = open();
      const replace = (value: string, expected: string | undefined) =>
        records.replace!("a/b", text(value), { expected: expected === undefined ? undefined : text(expected) });
      assertEquals(await replace("one", "other"), false);
      assertEquals(await replace("one", undefined), true);
      assertEquals(await replace("two", undefined), false);
      assertEquals(await records.get("a/b"), text("one"));
      const all = await Promise.all(Array.from({ length: 8 }, (_, i) => replace(`racer ${i}`, "one")));
      assertEquals(all.filter(Boolean).length, 1);
      assertEquals(await records.get("a/b"), text(`racer ${all.indexOf(true)}`));
    });
  });
}
