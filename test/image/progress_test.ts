import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { ProgressReporter } from "../../src/image/internal.ts";
import type { ProgressEvent } from "../../src/image/mod.ts";

const SUBJECT = { id: "sha256:0", label: "layer 0", kind: "write", total: 30 } as const;

describe("ProgressReporter", () => {
  it("tells how far one object has got", () => {
    const events: ProgressEvent[] = [];
    const reporter = new ProgressReporter((event) => events.push(event), SUBJECT);
    assertEquals(events, []);
    reporter.advance(0);
    reporter.advance(10);
    reporter.advance(20);
    reporter.end("done");
    assertEquals(events, [
      { ...SUBJECT, complete: 0, state: "active" },
      { ...SUBJECT, complete: 10, state: "active" },
      { ...SUBJECT, complete: 30, state: "active" },
      { ...SUBJECT, complete: 30, state: "done" },
    ]);
  });

  it("tells nothing after the end", () => {
    const states: string[] = [];
    const reporter = new ProgressReporter(({ state }) => states.push(state), SUBJECT);
    reporter.end("mounted");
    reporter.end("failed");
    reporter.advance(1);
    assertEquals(states, ["mounted"]);
  });

  it("does without a listener", () => {
    const reporter = new ProgressReporter(undefined, SUBJECT);
    reporter.advance(1);
    reporter.end("done");
  });
});
