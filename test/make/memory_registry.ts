import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry } from "../../src/registry/mod.ts";

/** A registry in memory that answers under any name, and what it was asked: method, path and query. */
export function memoryRegistry(): { fetch: typeof fetch; requests: string[] } {
  const registry = createRegistry();
  const requests: string[] = [];
  const fetch = ((input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    requests.push(`${init?.method ?? "GET"} ${url.pathname}${url.search}`);
    return registry.fetch(input, init);
  }) as typeof globalThis.fetch;
  return { fetch, requests };
}

/** Runs work in a new folder, given by what makes a path in it; the folder is gone afterwards. */
export async function inFolder(work: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_crane_"));
  try {
    await work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
