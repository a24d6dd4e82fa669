import { assertEquals, assertMatch } from "@std/assert";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { runFile, Running } from "./processes.ts";

/** How a line ended. */
export interface Ended {
  code: number | string;
  out: string;
  err: string;
}

/** The environment of gcrane as a process: a working directory, a temporary directory, and no credentials. */
export class Place {
  readonly #root = mkdtempSync(join(tmpdir(), "gcrane_e2e_"));
  /** The working directory. */
  readonly folder = join(this.#root, "work");
  readonly #temporary = join(this.#root, "tmp");
  /** Variables beside the inherited ones. */
  readonly env: Record<string, string> = {
    TMPDIR: this.#temporary,
    DOCKER_CONFIG: join(this.#root, "docker"),
    XDG_RUNTIME_DIR: join(this.#root, "no-run"),
    XDG_CONFIG_HOME: join(this.#root, "no-config"),
    REGISTRY_AUTH_FILE: "",
    NO_COLOR: "1",
  };

  constructor() {
    mkdirSync(this.folder);
    mkdirSync(this.#temporary);
  }

  /** The absolute path of a file. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file, and gives its path. */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Runs a line to its end; words are split at spaces. */
  async gcrane(line: string, options: { input?: string | Uint8Array } = {}): Promise<Ended> {
    return await runFile("cli/main.ts", wordsOf(line), { ...options, env: this.env, cwd: this.folder });
  }

  /** Starts a line. */
  start(line: string): Running {
    return new Running("cli/main.ts", wordsOf(line), { env: this.env, cwd: this.folder });
  }

  /** Runs a line that has to end well and quietly, and gives what it printed. */
  async data(line: string): Promise<string> {
    const { code, out, err } = await this.gcrane(line);
    assertEquals([code, err], [0, ""], `gcrane ${line}`);
    return out;
  }

  /**
   * Runs a line that has to fail: with code 1, one line on standard error that matches, no data, and no file that was
   * not there before.
   */
  async fails(line: string, message: RegExp, options: { input?: string | Uint8Array } = {}): Promise<void> {
    const before = this.files();
    const { code, out, err } = await this.gcrane(line, options);
    assertEquals([code, out], [1, ""], `gcrane ${line}: ${err}`);
    assertMatch(err, /^Error: [^\n]+\n$/);
    assertMatch(err, message);
    assertEquals(err.includes("internal error"), false, err);
    assertEquals(this.files(), before, `gcrane ${line}`);
  }

  /** All files, the temporary ones too, and the folders that are empty. */
  files(): string[] {
    return readdirSync(this.#root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() || readdirSync(join(entry.parentPath, entry.name)).length === 0)
      .map((entry) => relative(this.#root, join(entry.parentPath, entry.name)))
      .sort();
  }

  /** Removes everything. */
  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Runs a test in a place of its own. */
export async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const place = new Place();
  try {
    await work(place);
  } finally {
    place.remove();
  }
}

function wordsOf(line: string): string[] {
  return line.split(" ").filter((word) => word !== "");
}
