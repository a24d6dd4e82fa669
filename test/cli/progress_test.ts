import { describe, it } from "node:test";
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { ProgressDisplay, type ProgressEvent } from "../../cli/progress.ts";
import { progressFrame } from "../../cli/progress_frame.ts";
import { ProgressState } from "../../cli/progress_state.ts";
import { FakeClock } from "../fakes/fake_io.ts";
import { Screen } from "./screen.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

function event(id: string, complete: number, more: Partial<ProgressEvent> = {}): ProgressEvent {
  return { id, label: digest(id), kind: "read", complete, total: 100e6, state: "active", ...more };
}

/** The frame after events at given seconds; the last entry is the moment it is drawn. */
function frame(
  steps: [seconds: number, ...events: ProgressEvent[]][],
  { columns = 100, rows = 24, unicode = false } = {},
): string[] {
  const state = new ProgressState();
  let view = state.view(0);
  for (const [seconds, ...events] of steps) {
    for (const one of events) state.add(one, seconds * 1000);
    view = state.view(seconds * 1000);
  }
  return progressFrame(view, { columns, rows, unicode });
}

describe("a frame", () => {
  it("has a line for each object in flight and one for all", () => {
    const lines = frame([
      [0, event("a", 0), event("b", 0, { total: 5e6 }), event("c", 0, { kind: "write", total: 300e6 })],
      [
        2,
        event("a", 20e6),
        event("b", 5e6, { total: 5e6, state: "done" }),
        event("c", 150e6, { kind: "write", total: 300e6 }),
      ],
    ]);
    assertEquals(lines, [
      "< sha256:aaaaaaaaaaaa [######...........................]  20.0 MB / 100 MB  10.0 MB/s",
      "> sha256:cccccccccccc [################.................]   150 MB / 300 MB  75.0 MB/s",
      "Total, 1 of 3 done    [##############...................]   175 MB / 405 MB  87.5 MB/s   3s left",
    ]);
  });

  it("uses more than ASCII where the terminal has it", () => {
    assertEquals(frame([[0, event("a", 0)], [1, event("a", 50e6)]], { columns: 80, unicode: true }), [
      "↓ sha256:aaaaaaaaaaaa [██████░░░░░░░]  50.0 MB / 100 MB  50.0 MB/s",
      "Total, 0 of 1 done    [██████░░░░░░░]  50.0 MB / 100 MB  50.0 MB/s   1s left",
    ]);
  });

  it("counts what was there already, but not its bytes", () => {
    const lines = frame([
      [0, event("a", 0), event("b", 0, { state: "skipped" }), event("c", 0, { state: "mounted" })],
      [1, event("a", 50e6)],
    ], { columns: 130 });
    assertEquals(
      lines.at(-1),
      "Total, 2 of 3 done    [####################....................]  50.0 MB / 100 MB  50.0 MB/s   1s left" +
        "  2 there already",
    );
  });

  it("leaves out what failed", () => {
    const lines = frame([[0, event("a", 0), event("b", 70e6)], [1, event("b", 70e6, { state: "failed" })]]);
    assertEquals(lines.length, 2);
    assertEquals(lines[1].includes("0 B / 100 MB"), true);
  });

  it("counts what is read in order to be written once", () => {
    const label = digest("a");
    const lines = frame([
      [0, event("r", 0, { label }), event("w", 0, { label, kind: "write" })],
      [1, event("r", 60e6, { label }), event("w", 50e6, { label, kind: "write" })],
    ]);
    assertEquals(lines.length, 2);
    assertEquals(lines[0].includes("50.0 MB / 100 MB"), true);
    assertEquals(lines[1].includes("Total, 0 of 1 done"), true);
  });

  it("shows bytes alone while a size is not known", () => {
    const lines = frame([[0, event("a", 0, { total: undefined })], [1, event("a", 5e6, { total: undefined })]]);
    assertEquals(lines, [
      "< sha256:aaaaaaaaaaaa [.................................]            5.0 MB  5.0 MB/s",
      "Total, 0 of 1 done    [.................................]            5.0 MB  5.0 MB/s",
    ]);
  });

  it("fits any terminal", () => {
    const many = Array.from(
      { length: 40 },
      (_, at) => event(String(at), at, { label: `layer ${at} ${"x".repeat(50)}` }),
    );
    for (const columns of [1, 10, 20, 40, 60, 79, 80, 81, 120, 300]) {
      for (const rows of [1, 2, 3, 10, 24, 100]) {
        const lines = frame([[0, ...many], [1, ...many]], { columns, rows });
        assertLessOrEqual(lines.length, Math.max(1, rows - 1));
        for (const line of lines) assertLessOrEqual(line.length, Math.max(10, columns - 1));
      }
    }
  });

  it("says how many objects it has no room for", () => {
    const many = Array.from({ length: 10 }, (_, at) => event(String(at), 0));
    const lines = frame([[0, ...many]], { rows: 6 });
    assertEquals([lines.length, lines[3]], [5, "  and 7 more"]);
  });

  it("measures the rate over the last seconds alone", () => {
    const lines = frame([[0, event("a", 0)], [1, event("a", 90e6)], [2, event("a", 90e6)], [5, event("a", 93e6)]]);
    assertEquals(lines[0].endsWith("1.0 MB/s"), true);
  });

  it("shows since when a transfer has stalled, or its end is awaited, and that it goes on", () => {
    const steps: Parameters<typeof frame>[0] = [
      [0, event("a", 0), event("b", 0, { total: 5e6 }), event("c", 0)],
      [1, event("a", 50e6), event("b", 5e6, { total: 5e6 }), event("c", 1e6)],
      [10, event("a", 50e6), event("c", 90e6)],
    ];
    assertEquals(frame(steps).slice(0, 3).map((line) => /stalled|waiting/.test(line)), [false, false, false]);
    const lines = frame([...steps, [14, event("a", 50e6)]]);
    assertEquals(lines.slice(0, 3).map((line) => line.split("B  ")[1]), ["stalled 13s", "waiting 13s", "0 B/s"]);
    assertEquals(frame([...steps, [14, event("a", 50e6)], [15, event("a", 51e6)]])[0].includes("stalled"), false);
  });

  it("has no rate below zero when a transfer starts over", () => {
    const lines = frame([[0, event("a", 0)], [1, event("a", 50e6)], [2, event("a", 0)], [3, event("a", 10e6)]]);
    assertEquals(lines[0].endsWith("10.0 MB/s"), true);
  });

  it("can't be made to move the cursor by a label", () => {
    const lines = frame([[0, event("a", 0, { label: "x\x1b[2J\ny" })]]);
    assertEquals(lines[0].startsWith("< x\\x1b[2J y"), true);
  });
});

/** A display on a screen of its own. */
function display(
  columns = 80,
): {
  clock: FakeClock;
  screen: Screen;
  writes: string[];
  bars: ProgressDisplay;
  size: { columns: number; rows: number };
} {
  const clock = new FakeClock();
  const screen = new Screen(columns);
  const writes: string[] = [];
  const size = { columns, rows: 24 };
  const port = {
    write(text: string) {
      writes.push(text);
      screen.write(text);
    },
    terminal: () => size,
  };
  return { clock, screen, writes, size, bars: new ProgressDisplay({ port, clock, unicode: false }) };
}

describe("the display", () => {
  it("shows nothing for work that takes up to a second", () => {
    const { clock, writes, bars } = display();
    bars.listener(event("a", 0));
    clock.advance(999);
    bars.close();
    clock.advance(10_000);
    assertEquals(writes, []);
  });

  it("draws at most ten times a second, however many events come", () => {
    const { clock, writes, bars } = display();
    for (let ms = 0; ms < 3000; ms++) {
      bars.listener(event("a", ms));
      clock.advance(1);
    }
    assertLessOrEqual(writes.length, 21);
    assertEquals(writes.length > 15, true);
  });

  it("draws over what it drew before and leaves no trace", () => {
    const { clock, screen, bars } = display();
    screen.write("$ gcrane copy a b\n");
    bars.listener(event("a", 0));
    bars.listener(event("b", 0));
    clock.advance(1000);
    assertEquals(screen.text.split("\n").length, 4);
    bars.listener(event("a", 100e6, { state: "done" }));
    clock.advance(100);
    assertEquals(screen.text.split("\n").map((line) => line.slice(0, 21).trimEnd()), [
      "$ gcrane copy a b",
      "< sha256:bbbbbbbbbbbb",
      "Total, 1 of 2 done",
    ]);
    bars.close();
    assertEquals(screen.text, "$ gcrane copy a b");
  });

  it("writes messages above the bars", () => {
    const { clock, screen, bars } = display();
    bars.write("Warning: early\n");
    bars.listener(event("a", 0));
    clock.advance(1000);
    bars.write("Warning: one\n");
    bars.write("Warning: two\n");
    assertEquals(screen.text.split("\n").map((line) => line.slice(0, 21).trimEnd()), [
      "Warning: early",
      "Warning: one",
      "Warning: two",
      "< sha256:aaaaaaaaaaaa",
      "Total, 0 of 1 done",
    ]);
    bars.close();
    assertEquals(screen.text, "Warning: early\nWarning: one\nWarning: two");
  });

  it("makes room for data and comes back", () => {
    const { clock, screen, bars } = display();
    bars.listener(event("a", 0));
    clock.advance(1000);
    bars.clear();
    screen.write("data\n");
    assertEquals(screen.text, "data");
    clock.advance(100);
    assertEquals(screen.text.split("\n").length, 3);
  });

  it("leaves no trace when the terminal became narrower", () => {
    const { clock, screen, bars, size } = display(100);
    screen.write("before\n");
    bars.listener(event("a", 0));
    clock.advance(1000);
    size.columns = 40;
    screen.resize(40);
    clock.advance(100);
    assertEquals(screen.text.split("\n").length, 3);
    bars.close();
    assertEquals(screen.text, "before");
  });
});
