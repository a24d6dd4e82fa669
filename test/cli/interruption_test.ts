import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { runLine } from "../make/command_line.ts";

describe("an interrupt", () => {
  for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    it(`by ${signal} exits ${expected} as soon as the command has stopped`, async () => {
      const { code, out, err, io } = await runLine("heed", { whenReady: (io) => io.interrupt(signal) });
      assertEquals([code, out, err], [expected, "", "ready\n"]);
      assertEquals([io.removals, io.listeners], [1, 0]);
    });
  }

  it("by SIGHUP is left alone in a program that was started to outlive its terminal", async () => {
    const { code } = await runLine("heed", {
      ignoresHangUp: true,
      whenReady(io) {
        io.interrupt("SIGHUP");
        io.interrupt("SIGTERM");
      },
    });
    assertEquals(code, 143);
  });

  it("waits less than a second for a command that does not stop", async () => {
    const { code, err, io } = await runLine("hang", {
      whenReady(io) {
        io.interrupt("SIGINT");
        io.clock.advance(999);
      },
    });
    assertEquals([code, err, io.exits, io.removals], [130, "ready\n", [], 1]);
  });

  it("that comes again exits at once", async () => {
    const { io } = await runLine("hang", {
      whenReady(io) {
        io.interrupt("SIGINT");
        assertEquals(io.exits, []);
        io.interrupt("SIGINT");
        assertEquals([io.exits, io.removals], [[130], 1]);
        io.clock.advance(1000);
      },
    });
    assertEquals(io.listeners, 0);
  });

  it("hides the error that it causes, with --verbose too", async () => {
    const { err } = await runLine("heed -v", { whenReady: (io) => io.interrupt("SIGINT") });
    assertEquals(err, "ready\n");
  });
});
