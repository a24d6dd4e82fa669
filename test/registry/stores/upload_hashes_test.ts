import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { UploadHashes } from "../../../src/registry/stores/file/upload_hashes.ts";
import { digestOf, patterned } from "../../contracts/store_contract.ts";

describe("UploadHashes", () => {
  it("gives a hash to one taker only, and makes another's from the file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gcrane_hashes_"));
    try {
      const bytes = patterned(300_000);
      const path = join(folder, "upload");
      await writeFile(path, bytes);
      const upload = { path, size: bytes.length, algorithm: "sha256" as const };
      const hashes = new UploadHashes();
      const first = await hashes.take("u", upload);
      hashes.giveBack("u", first);
      const second = await hashes.take("u", upload);
      assertStrictEquals(second, first);
      const third = await hashes.take("u", upload);
      assertNotStrictEquals(third, second);
      assertEquals(await second.digest(), digestOf(bytes));
      assertEquals(await third.digest(), digestOf(bytes));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
