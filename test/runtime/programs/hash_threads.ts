// Hashes files with a thread, and prints what became of it: how many threads started and ended, and whether all hashes are
// right.
import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFile } from "../../../src/runtime/mod.ts";

const [how] = process.argv.slice(2);
const MIB = 1024 * 1024;
const module = process.getBuiltinModule("node:worker_threads") as { Worker: new (...args: unknown[]) => Thread };
let started = 0;
let ended = 0;

/** The part of a thread that is used here. */
interface Thread {
  once(event: "exit", listener: () => void): void;
  postMessage(...args: unknown[]): void;
  terminate(): Promise<unknown>;
}

/** A thread that is counted; as asked, it can't start, does not start, or ends when it gets a job. */
module.Worker = class extends module.Worker {
  constructor(program: unknown, options: unknown) {
    if (how === "can't start") throw new Error("no threads here");
    super(how === "does not start" ? "setInterval(() => {}, 1000)" : program, options);
    started++;
    this.once("exit", () => ended++);
  }

  override postMessage(...args: unknown[]): void {
    if (how === "ends") this.terminate();
    else super.postMessage(...args);
  }
};

const folder = mkdtempSync(join(tmpdir(), "gcrane_hash_"));
const length = how === "small" ? MIB : 20 * MIB;
const contents = Array.from({ length: how === "many" ? 4 : 1 }, (_, seed) => {
  return new Uint8Array(length + 10).map((_, at) => (at * 2654435761 >>> 13) + seed);
});
let outcome = "right";
/** Keeps the process alive, as connections do: a thread that has ended does not. */
const alive = setInterval(() => {}, 1000);
try {
  await Promise.all(contents.map(async (content, index) => {
    const path = join(folder, String(index));
    writeFileSync(path, content);
    const file = await openFile(path);
    try {
      const controller = new AbortController();
      for (const round of [1, 2]) {
        if (round === 2) {
          // The thread starts meanwhile.
          await new Promise((resolve) => setTimeout(resolve, 500));
          if (how === "exchanged") {
            writeFileSync(`${path} of others`, content.map((byte) => byte + 1));
            renameSync(`${path} of others`, path);
          }
          if (how === "abort") queueMicrotask(() => controller.abort(new Error("enough")));
        }
        const { hex, size } = await file.hash("sha256", { offset: 7, length, signal: controller.signal });
        const expected = createHash("sha256").update(content.subarray(7, 7 + length)).digest("hex");
        if (hex !== expected || size !== length) outcome = `wrong in round ${round}`;
      }
      const rest = await file.hash("sha256", { offset: length, length: 2 * length });
      if (rest.size !== 10) outcome = `${rest.size} bytes at the end`;
    } finally {
      await file.close();
    }
  }));
} catch (error) {
  outcome = (error as Error).message;
}
rmSync(folder, { recursive: true });
const deadline = Date.now() + 60_000;
while (ended < started && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
clearInterval(alive);
console.log(JSON.stringify({ outcome, started, ended }));
