import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { available, pathOf } from "../peers/mod.ts";

/** A registry that runs, with its content in a folder. */
export interface BenchServer {
  readonly name: string;
  readonly kind: "ours" | "docker-registry" | "crane";
  /** The folder with its content, empty for one over a bucket. */
  readonly folder: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Our registry on each runtime that is here, with what starts it over the store that flags name. */
export function ownServers(): {
  name: string;
  start: (flags: readonly string[], env?: Readonly<Record<string, string>>) => Promise<BenchServer>;
}[] {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const serve = [main, "registry", "serve", "--address", "127.0.0.1:0"];
  const ours = (name: string, command: readonly string[]) => ({
    name,
    start: (flags: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      const folder = flags[0] === "--disk" ? flags[1] : "";
      return start({ name, kind: "ours", folder, env }, [...command, ...serve, ...flags], / at http:\/\/(\S+)/);
    },
  });
  const deno = "Deno" in globalThis ? Deno.execPath() : undefined;
  return [
    ...(deno ? [ours("ours (Deno)", [deno, "run", "-A", "--no-check"])] : []),
    ...(available("bun") ? [ours("ours (Bun)", [pathOf("bun"), "run"])] : []),
  ];
}

/** The registries that are here, each with what starts it over a folder. */
export function servers(): { name: string; start: (folder: string) => Promise<BenchServer> }[] {
  return [
    ...ownServers().map(({ name, start }) => ({ name, start: (folder: string) => start(["--disk", folder]) })),
    ...(available("docker-registry") ? [{ name: "docker-registry", start: startDockerRegistry }] : []),
    ...(available("crane") ? [{ name: "crane", start: startCrane }] : []),
  ];
}

async function startDockerRegistry(folder: string): Promise<BenchServer> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "config.yml");
  const config = {
    version: "0.1",
    log: { level: "info", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(folder, "storage"), maxthreads: 100 },
      delete: { enabled: true },
    },
    http: { addr: "127.0.0.1:0", secret: "of a benchmark" },
  };
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML
  const command = [pathOf("docker-registry"), "serve", file];
  return await start(
    { name: "docker-registry", kind: "docker-registry", folder },
    command,
    /listening on (127\.0\.0\.1:\d+)/,
  );
}

/** Go's registry in memory; it can keep blobs on a disk. */
async function startCrane(folder: string): Promise<BenchServer> {
  mkdirSync(folder, { recursive: true });
  const command = [pathOf("crane"), "registry", "serve", "--address", "127.0.0.1:0", "--disk", folder];
  return await start({ name: "crane", kind: "crane", folder }, command, /serving on port (\d+)/);
}

async function start(
  { env = {}, ...server }: Pick<BenchServer, "name" | "kind" | "folder"> & { env?: Readonly<Record<string, string>> },
  [program, ...words]: readonly string[],
  announcement: RegExp,
): Promise<BenchServer> {
  const child: ChildProcess = spawn(program, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  const exited = once(child, "exit");
  let said = "";
  const found = await new Promise<string>((resolve, reject) => {
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-5000);
      const match = announcement.exec(said)?.[1];
      if (match) resolve(match);
    });
    exited.then(() => reject(new Error(`${server.name} did not start: ${said}`)));
  });
  return {
    ...server,
    host: found.includes(":") ? found : `127.0.0.1:${found}`,
    pid: child.pid!,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
