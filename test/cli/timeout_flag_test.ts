import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { timeoutsFlag } from "../../cli/flag_values.ts";
import { UsageError } from "../../src/errors.ts";
import { fakeFetch, json, STALL } from "../fakes/mod.ts";
import { inWorld } from "../make/command_world.ts";

describe("--timeout (rule 19)", () => {
  it("sets each kind, and all of them, and turns them off", () => {
    assertEquals(timeoutsFlag([]), {});
    assertEquals(timeoutsFlag(["answer=90s", "slow=1h"]), { answerMs: 90_000, slowAnswerMs: 3_600_000 });
    assertEquals(timeoutsFlag(["5s", "stall=0"]), { connectMs: 5000, answerMs: 5000, slowAnswerMs: 5000, stallMs: 0 });
  });

  it("refuses what is no time, no kind, or longer than a timer can wait", () => {
    for (const value of ["soon", "answer=", "body=5s", "=5s", "5s=answer", "52w", ""]) {
      assertThrows(() => timeoutsFlag([value]), UsageError, "--timeout", value);
    }
  });

  it("ends a wait for a registry that does not answer", { timeout: 60_000 }, () =>
    inWorld(async (world) => {
      const { fetch } = fakeFetch({
        "https://registry.example.com": ({ url }) => url.pathname === "/v2/" ? json(200, {}) : STALL,
      });
      for (const [line, environment] of [["--timeout answer=0.02s", {}], ["", { GCRANE_TIMEOUT: "0.02s" }]] as const) {
        const { code, err } = await world.gcrane(`manifest ${line} registry.example.com/app:v1`, {
          fetch,
          environment,
        });
        assertEquals(code, 1);
        assertMatch(err, /^Error: GET .*: no answer within 20 ms — check your network\n$/);
      }
    }));
});
