import type { HashAlgorithm } from "./hash.ts";
import type { HashedRange } from "./hash_file.ts";
import { nodeModule, runtimeName } from "./host.ts";
import { Thread } from "./thread.ts";

/** A part of a file to hash. The file is opened by its path, and has to be the one with this inode. */
interface HashJob {
  path: string;
  ino: number;
  dev: number;
  algorithm: HashAlgorithm;
  offset: number;
  length: number;
}

const PROGRAM = `
{
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  const fs = process.getBuiltinModule("node:fs");
  const { createHash } = process.getBuiltinModule("node:crypto");
  const buffer = new Uint8Array(256 * 1024);
  parentPort.on("message", ({ path, ino, dev, algorithm, offset, length }) => {
    let file;
    try {
      file = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
      const found = fs.fstatSync(file);
      if (found.ino !== ino || found.dev !== dev) throw new Error("the file was exchanged");
      const hash = createHash(algorithm);
      let size = 0;
      while (size < length) {
        const count = fs.readSync(file, buffer, 0, Math.min(buffer.length, length - size), offset + size);
        if (count === 0) break;
        hash.update(buffer.subarray(0, count));
        size += count;
      }
      parentPort.postMessage({ hex: hash.digest("hex"), size });
    } catch (error) {
      parentPort.postMessage({ failure: String(error) });
    } finally {
      if (file !== undefined) fs.closeSync(file);
    }
  });
}
`;

let current: HashThread | undefined;

/**
 * A thread that hashes parts of files, one after the other, so that the bytes of other files move on meanwhile. All files
 * share it; it ends with the last of them.
 */
export class HashThread {
  #users = 0;
  #thread: Thread<HashJob, HashedRange> | undefined;
  /** The thread, once it can take jobs. */
  #ready: Thread<HashJob, HashedRange> | undefined;
  /** Returns the thread for one more file, which calls {@linkcode leave} when it is closed. */
  static join(): HashThread {
    current ??= new HashThread();
    current.#users++;
    return current;
  }

  private constructor() {
    // workerd has the module, and no threads.
    const module = runtimeName() === "workerd" ? undefined : nodeModule("node:worker_threads");
    try {
      if (module) this.#thread = new Thread(module, PROGRAM, (thread) => this.#ready = thread);
    } catch {
      // A host may have the module and start no thread.
    }
  }

  /** Hashes a part of a file; returns `undefined` if the thread can't, so that the caller has to. */
  async hash(job: HashJob): Promise<HashedRange | undefined> {
    return await this.#ready?.run(job).catch(() => undefined);
  }

  /** Ends the thread if no other file needs it. */
  leave(): void {
    if (--this.#users > 0) return;
    if (current === this) current = undefined;
    this.#thread?.terminate().catch(() => {});
  }
}
