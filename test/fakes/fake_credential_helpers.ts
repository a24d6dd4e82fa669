import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type CredentialHelper, credentialHelper, type CredentialHelperOptions } from "../../src/authn/mod.ts";

/** A directory that holds credential helpers written as shell scripts. */
export class FakeHelpers {
  readonly directory = mkdtempSync(join(tmpdir(), "gcrane-helpers-"));
  /** The `PATH` of this process with the directory in front. */
  readonly path = `${this.directory}:${process.env.PATH ?? ""}`;

  /** Gives the helper of a name in the directory. */
  readonly helper = (name: string, options: CredentialHelperOptions = {}): CredentialHelper =>
    credentialHelper(name, { ...options, environment: (name) => name === "PATH" ? this.path : process.env[name] });

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

  /** Removes the directory. */
  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
