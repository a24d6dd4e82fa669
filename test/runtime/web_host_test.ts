import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { runProgram } from "../make/runtime_programs.ts";

describe("a runtime with web standards alone", () => {
  for (const what of ["javascript", "digest-stream"]) {
    it(`hashes and compresses, and says what it can't do (${what})`, async () => {
      const result = await runProgram("web_host.ts", [what]);
      assertEquals([result.code, result.stderr], [0, ""]);
      assertEquals(JSON.parse(result.stdout), {
        runtime: "web",
        sync: true,
        hashes: ["same", "same"],
        gzip: "abc",
        portable: "a058a4f3405f909f3a49df0cb75d96198d371ae7913e5ef6b8114a382746ee5a",
        member: "abc",
        corrupt: "CodecError",
        zstd: "NotSupportedError",
        zstdCompress: "NotSupportedError",
        failures: new Array(15).fill("NotSupportedError"),
        environment: [null, null, "/", "web", null, [], false, "b"],
        plainFetch: "function",
      });
    });
  }
});
