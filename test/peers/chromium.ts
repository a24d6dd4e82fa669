import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathOf } from "./available.ts";

/** A browser without a window. */
export interface Browser {
  /** Rejects, with its standard error, when it ends before {@linkcode stop}. */
  readonly ended: Promise<never>;
  /** Ends it and resolves when it is gone, with its profile. */
  stop(): Promise<void>;
}

/** Opens a page in Chromium, with a new profile and without what a browser asks the network for by itself. */
export async function chromium(url: string, flags: readonly string[] = []): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "gcrane_chromium_"));
  const child = spawn(pathOf("chromium"), [
    "--headless",
    "--no-sandbox", // root has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    `--user-data-dir=${profile}`,
    ...flags,
    url,
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => stderr += chunk);
  const closed = once(child, "close");
  const ended = closed.then(([code, signal]): never => {
    throw new Error(`chromium ended with ${signal ?? `exit code ${code}`}: ${stderr.trim()}`);
  });
  ended.catch(() => {});
  return {
    ended,
    async stop() {
      child.kill("SIGKILL"); // its profile is thrown away
      await closed.catch(() => {});
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
