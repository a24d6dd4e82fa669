import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runWatched } from "./watch.ts";
import { denoOnly } from "../project/applicable.ts";

describe("runWatched", { skip: denoOnly() }, () => {
  const limits = { silence: 60_000, total: 60_000 };

  it("gives the exit code", async () => {
    assertEquals(await runWatched(["sh", "-c", "exit 3"], limits), { code: 3 });
  });

  it("hands on the output", async () => {
    let output = "";
    const write = (chunk: Uint8Array) => void (output += new TextDecoder().decode(chunk));
    await runWatched(["sh", "-c", "echo one; sleep 0.1; echo two >&2"], { ...limits, write });
    assertEquals(output, "one\ntwo\n");
  });

  it("kills what falls silent, and says after which line", async () => {
    const { code, hung } = await runWatched(["sh", "-c", "echo one; exec sleep 60"], { ...limits, silence: 300 });
    assertEquals(code, 1);
    assertStringIncludes(hung ?? "", "it said nothing for 0.3 s; its last line was: one");
  });

  it("kills what goes on for too long", async () => {
    const endless = ["sh", "-c", "while :; do echo again; sleep 0.05; done"];
    const { code, hung } = await runWatched(endless, { ...limits, total: 300 });
    assertEquals(code, 1);
    assertStringIncludes(hung ?? "", "it took over 0.3 s; its last line was: again");
  });
});
