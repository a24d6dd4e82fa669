import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A directory in front of the `PATH` that holds credential helpers written as shell scripts. */
export class FakeHelpers {
  readonly directory = mkdtempSync(join(tmpdir(), "gcrane-helpers-"));
  readonly #path = process.env.PATH ?? "";

  constructor() {
    process.env.PATH = `${this.directory}:${this.#path}`;
  }

  /** Writes `docker-credential-<name>`; the verb is `$1` and the input comes on standard input. */
  add(name: string, script: string): void {
    const file = join(this.directory, `docker-credential-${name}`);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** Adds a helper that records its arguments and its input, and then runs a script. */
  addRecording(name: string, script: string): void {
    this.add(name, `{ printf '%s|' "$@"; cat; echo; } >> '${join(this.directory, `${name}.log`)}'\n${script}`);
  }

  /** What a recording helper was called with, one line a call: `verb|input`. */
  calls(name: string): string[] {
    try {
      return readFileSync(join(this.directory, `${name}.log`), "utf8").trim().split("\n");
    } catch {
      return [];
    }
  }

  /** Puts the `PATH` back and removes the directory. */
  remove(): void {
    process.env.PATH = this.#path;
    rmSync(this.directory, { recursive: true });
  }
}
