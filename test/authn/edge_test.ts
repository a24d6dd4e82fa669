import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { runProgram } from "../make/runtime_programs.ts";
import { serviceAccountKey } from "./google/google_servers.ts";

describe("the clouds' keychains where there are web standards alone", () => {
  it("sign in with what they are handed, and are anonymous and silent without", async () => {
    const program = "../../authn/programs/edge_keychains.ts";
    const { code, stdout, stderr } = await runProgram(program, [serviceAccountKey().text]);
    assertEquals([code, stderr], [0, ""]);
    const nobody = [null, null];
    assertEquals(JSON.parse(stdout), {
      shown: [
        ["_token", "google"],
        ["AWS", "aws"],
        ["00000000-0000-0000-0000-000000000000", "azure"],
        ["unset", "ghs_token"],
        nobody,
        nobody,
        nobody,
        nobody,
      ],
      warnings: [],
    });
  });
});
