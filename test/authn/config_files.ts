import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A home directory of its own and an environment that holds nothing else. */
export class FakeHome {
  readonly home: string = mkdtempSync(join(tmpdir(), "gcrane-home-"));
  /** The variable keeps the machine's own `/run/containers` out. */
  readonly variables: Record<string, string> = { XDG_RUNTIME_DIR: this.path("no-run") };
  /** The options that put a keychain or a login here. */
  readonly options = { home: this.home, environment: (name: string): string | undefined => this.variables[name] };

  /** The absolute path of a file. */
  path(name: string): string {
    return join(this.home, name);
  }

  /** Writes a file, and the directories that it needs. */
  write(name: string, content: string | object): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), typeof content === "string" ? content : JSON.stringify(content));
    return this.path(name);
  }

  /** Removes all of it. */
  remove(): void {
    rmSync(this.home, { recursive: true });
  }
}
