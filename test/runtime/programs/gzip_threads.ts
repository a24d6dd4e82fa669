// Compresses with threads, and prints what became of them: how many started and ended, and the digest of the result.
import { gzipStream, hashHex } from "../../../src/runtime/mod.ts";

const [how] = process.argv.slice(2);
const module = process.getBuiltinModule("node:worker_threads") as { Worker: new (...args: unknown[]) => Thread };
let started = 0;
let ended = 0;

/** The part of a thread that is used here. */
interface Thread {
  once(event: "exit", listener: () => void): void;
  postMessage(...args: unknown[]): void;
  terminate(): Promise<unknown>;
}

/** A thread that is counted; as asked, it can't start, does not start, or ends when it gets a block. */
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
const deadline = Date.now() + 60_000;
while (ended < started && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
console.log(JSON.stringify({ outcome, started, ended, digest }));
