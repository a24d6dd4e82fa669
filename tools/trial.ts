// Tries a command line that was made for a release.

import { assertEquals } from "@std/assert";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { crane, randomImage } from "../mod.ts";

const run = promisify(execFile);

/** Where a trial runs. */
export interface TrialOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command: its version, its registry, and the list of a repository in there. */
export async function tryCommand(words: readonly string[], version: string, options: TrialOptions): Promise<void> {
  const [command, ...before] = words;
  const gcrane = async (...args: string[]) =>
    (await run(command, [...before, ...args], { timeout: 30_000, ...options })).stdout;
  assertEquals(await gcrane("version"), `${version}\n`);

  const server = spawn(command, [...before, "registry", "serve", "--address", "127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 60_000,
    ...options,
  });
  const ended = once(server, "exit");
  try {
    const host = await new Promise<string>((resolve, reject) => {
      let printed = "";
      server.stderr.setEncoding("utf8").on("data", (text: string) => {
        const [, host] = /http:\/\/(\S+)/.exec(printed += text) ?? [];
        if (host !== undefined) resolve(host);
      });
      ended.then(() => reject(new Error(`the registry of ${command} did not start: ${printed}`)), reject);
    });
    const image = randomImage();
    await crane.push(image, `${host}/app:v1`);
    assertEquals(await gcrane("ls", `${host}/app`), `${host}/app@${await image.digest()}\n${host}/app:v1\n`);
  } finally {
    server.kill("SIGTERM");
    await ended;
  }
}
