import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { runSchedule } from "../../cli/sync_schedule.ts";
import { parseSyncFile } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { CopyWorld, image, SOURCE, TARGET } from "../make/copy_world.ts";

const flags = { dryRun: false, plan: undefined, apply: undefined, deleteExtra: false, yes: false };
const stdout = { print: () => Promise.resolve(), flush: () => Promise.resolve() } as never;

const FILE = `
sync:
  - { source: ${SOURCE}/hourly, target: ${TARGET}/hourly, type: repository, schedule: "TZ=UTC 0 * * * *" }
  - { source: ${SOURCE}/often, target: ${TARGET}/often, type: repository, interval: 25m }
  - { source: ${SOURCE}/never, target: ${TARGET}/never, type: repository }
`;

describe("runSchedule", () => {
  it("copies what is missing at once, then each entry at its times, and goes on after a failure", async () => {
    const world = new CopyWorld();
    for (const name of ["hourly", "often", "never"]) await world.push(`${SOURCE}/${name}:v1`, image(1));
    await world.push(`${TARGET}/often:v1`, image(2));
    const file = await parseSyncFile(FILE, "sync.yml");
    const stop = new AbortController();
    let now = new Date("2026-01-01T10:10:00Z").getTime();
    const seen: string[] = [];
    const notes: string[] = [];
    const digestAt = async (name: string) => (await world.content(TARGET))[name]?.tags.v1;
    const wait = async (ms: number) => {
      seen.push(`${new Date(now).toISOString().slice(11, 16)} + ${ms / 60_000}`);
      if (seen.length === 1) {
        // The first run keeps the tags that are there.
        assertEquals([await digestAt("hourly"), await digestAt("often")], [
          await image(1).digest(),
          await image(2).digest(),
        ]);
        world.intercept = () => new Response(null, { status: 403 });
      }
      if (seen.length === 2) world.intercept = () => undefined;
      if (seen.length === 5) stop.abort();
      now += ms;
    };
    const code = await runSchedule(file, { fetch: world.fetch, signal: stop.signal }, {
      flags,
      stdout,
      signal: stop.signal,
      note: (text) => notes.push(text),
      warn: (text) => notes.push(text),
    }, { now: () => new Date(now), wait });
    assertEquals(code, 0);
    assertEquals(seen, ["10:10 + 25", "10:35 + 25", "11:00 + 25", "11:25 + 25", "11:50 + 10"]);
    assertEquals(await digestAt("often"), await image(1).digest());
    assertEquals(await digestAt("never"), undefined);
    assertEquals(notes[0], "sync[2] has neither schedule nor interval, so it is not copied");
    assertEquals(notes.filter((text) => text.startsWith("Failed: ")).length, 1, notes.join("\n"));
    assertEquals(notes.at(-1), "interrupted: the schedules end");
  });

  it("ends while it waits", async () => {
    const file = await parseSyncFile(FILE, "sync.yml");
    const world = new CopyWorld();
    const stop = new AbortController();
    const context = { flags, stdout, signal: stop.signal, note: () => {}, warn: () => {} };
    const wait = (_: number, signal: AbortSignal) => {
      stop.abort();
      return Promise.reject(signal.reason);
    };
    const options = { fetch: world.fetch, signal: stop.signal };
    assertEquals(await runSchedule(file, options, context, { now: () => new Date(), wait }), 0);
  });

  it("refuses a file without any schedule", async () => {
    const file = await parseSyncFile(FILE.split("\n").filter((line) => !/hourly|often/.test(line)).join("\n"), "x");
    const context = { flags, stdout, signal: new AbortController().signal, note: () => {}, warn: () => {} };
    await assertRejects(() => runSchedule(file, {}, context), UsageError, "no entry has a schedule or an interval");
  });
});
