// Compresses with threads, and prints what became of them: how many started and ended, and the digest of the result.
import { gzipStream, hashHex } from "../../../src/runtime/mod.ts";
import { countThreads } from "./counted_threads.ts";

const [how] = process.argv.slice(2);
const threads = countThreads(how);

const chunk = new Uint8Array(1 << 20).map((_, at) => (at * 2654435761 >>> 13) % (at % 251 + 1));
let left = 12;
const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
  async pull(controller) {
    // Threads start while the input is awaited.
    await new Promise((resolve) => setTimeout(resolve, left === 6 ? 500 : 0));
    if (left-- > 0) controller.enqueue(chunk);
    else controller.close();
  },
});

const pieces: Uint8Array<ArrayBuffer>[] = [];
let outcome = "done";
try {
  const reader = gzipStream(source, { threads: how === "none" ? 0 : 2 }).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    pieces.push(read.value);
    if (how === "cancel" && left < 3) {
      await reader.cancel("enough");
      outcome = "cancelled";
      break;
    }
  }
} catch (error) {
  outcome = (error as Error).name;
}
const digest = await hashHex(new Uint8Array(await new Blob(pieces).arrayBuffer()), "sha256");
const ended = await threads.ended();
console.log(JSON.stringify({ outcome, started: threads.started, ended, digest }));
