// Hashes files with a thread, and prints what became of it: how many threads started and ended, and whether all hashes are
// right.
import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFile } from "../../../src/runtime/mod.ts";
import { countThreads } from "./counted_threads.ts";

const [how] = process.argv.slice(2);
const MIB = 1024 * 1024;
const threads = countThreads(how);

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
const ended = await threads.ended();
clearInterval(alive);
console.log(JSON.stringify({ outcome, started: threads.started, ended }));
