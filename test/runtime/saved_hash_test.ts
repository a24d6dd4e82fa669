import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { resumableHash } from "../../src/runtime/mod.ts";

describe("resumableHash", () => {
  for (const algorithm of ["sha256", "sha512"] as const) {
    it(`goes on with ${algorithm} from what it saved, wherever that was`, async () => {
      const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
      const expected = createHash(algorithm).update(bytes).digest("hex");
      for (const cut of [0, 1, 63, 64, 65, 127, 128, 129, 500, 999, 1000]) {
        const first = await resumableHash(algorithm);
        first.update(bytes.subarray(0, cut));
        const second = await resumableHash(algorithm, first.save());
        second.update(bytes.subarray(cut));
        assertEquals(await second.hex(), expected);
        first.update(bytes.subarray(cut)); // saving disturbs nothing
        assertEquals(await first.hex(), expected);
      }
    });

    it(`counts the bytes of ${algorithm} over several saves`, async () => {
      const whole = createHash(algorithm);
      let hash = await resumableHash(algorithm);
      const chunk = new Uint8Array(32 << 20);
      for (let i = 0; i < 5; i++) {
        whole.update(chunk);
        hash.update(chunk);
        hash = await resumableHash(algorithm, hash.save());
      }
      assertEquals(await hash.hex(), whole.digest("hex"));
    });
  }
});
