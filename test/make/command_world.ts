import { assertEquals, assertMatch } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gcrane } from "../../cli/table.ts";
import * as crane from "../../src/crane/mod.ts";
import type { Image, ImageIndex } from "../../src/image/mod.ts";
import { createRegistry, type RegistryOptions } from "../../src/registry/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { type LineResult, runLine, type RunLineOptions } from "./command_line.ts";

/** Variables that have credentials looked for in a folder, and none of the machine's used. */
export function ownCredentials(folder: string): Record<string, string> {
  return {
    DOCKER_CONFIG: join(folder, "docker"),
    XDG_RUNTIME_DIR: join(folder, "no-run"),
    XDG_CONFIG_HOME: join(folder, "no-config"),
    CLOUDSDK_CONFIG: join(folder, "no-gcloud"),
    GCRANE_GCLOUD: "",
    NO_GCE_CHECK: "true",
  };
}

/** What a command notes that uses one image of several without `--platform`. */
export const DEFAULT_PLATFORM_NOTE = "Used linux/amd64 of several platforms: --platform chooses another\n";

/** The environment of a command: a registry that responds under any name, a folder of its own, and no credentials. */
export class World {
  readonly folder: string;
  readonly environment: Record<string, string>;
  /** The requests so far: method and path. */
  readonly requests: string[] = [];
  /** What reaches the registry. */
  readonly fetch: typeof fetch;

  /** Creates the environment, with the absolute path of an empty folder if it is to be in that one. */
  constructor(options: RegistryOptions = {}, folder: string = mkdtempSync(join(tmpdir(), "gcrane_command_"))) {
    this.folder = folder;
    this.environment = ownCredentials(folder);
    const registry = createRegistry(options);
    this.fetch = ((input: string | URL | Request, init?: RequestInit) => {
      const url = new URL(input instanceof Request ? input.url : input);
      this.requests.push(`${init?.method ?? "GET"} ${url.pathname}`);
      return registry.fetch(input, init);
    }) as typeof fetch;
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

  /** Runs a line of gcrane, given without that word. */
  async gcrane(line: string | readonly string[], options: RunLineOptions = {}): Promise<LineResult> {
    const { environment, fetch } = this;
    return await runLine(line, {
      program: gcrane,
      fetch,
      ...options,
      environment: { ...environment, ...options.environment },
    });
  }

  /** Runs a line that has to end well and to say nothing but its data, which is given back. */
  async data(line: string | readonly string[], options: RunLineOptions = {}): Promise<string> {
    const { code, out, err } = await this.gcrane(line, options);
    assertEquals([code, err], [0, ""], `gcrane ${line}`);
    return out;
  }

  /** Runs a line that changes an image by tag and moves no tag, which it notes; what it prints is given back. */
  async unmoved(line: string | readonly string[], options: RunLineOptions = {}): Promise<string> {
    const { code, out, err } = await this.gcrane(line, options);
    assertEquals(code, 0, err);
    assertMatch(
      err,
      /^(?:\S+ still names the original|\d+ tags still name their originals): --in-place moves [^\n]+\n$/,
    );
    return out;
  }

  /** Puts an image or an index into the registry. */
  async push(view: Image | ImageIndex, reference: string): Promise<Hash> {
    const pushed = await crane.push(view, reference, { fetch: this.fetch });
    return pushed.slice(pushed.indexOf("@") + 1) as Hash;
  }

  /** Removes the folder. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs a test in a world of its own. */
export async function inWorld(work: (world: World) => Promise<void>, options: RegistryOptions = {}): Promise<void> {
  const world = new World(options);
  try {
    await work(world);
  } finally {
    world.remove();
  }
}
