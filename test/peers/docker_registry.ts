import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathOf } from "./available.ts";
import { until } from "../make/waiting.ts";

/** The user that a registry with `auth` knows. */
export const registryUser = { username: "gcrane", password: "correct horse" } as const;

/** `registryUser` as htpasswd writes it, with bcrypt. */
const HTPASSWD = "gcrane:$2b$04$QSVjOXg7gBz7dCpKu9ZRruMImtKOFT3CHAaibTUtJ2Cbx680slH8.";

/** How {@linkcode dockerRegistry} starts. */
export interface DockerRegistryOptions {
  /**
   * Allows DELETE.
   *
   * @default {true}
   */
  delete?: boolean;
  /**
   * Demands basic authentication as {@linkcode registryUser}.
   *
   * @default {false}
   */
  auth?: boolean;
  /**
   * A folder to store in, which stays.
   *
   * @default a temporary one
   */
  storage?: string;
}

/** A registry that runs. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** What it has logged so far. */
  logs(): string;
  /** Ends it and removes what it stored, and resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts Debian's docker-registry on a free port of the loopback interface and waits until it answers. */
export async function dockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_registry_"));
  const logFile = join(folder, "log");
  writeFileSync(join(folder, "htpasswd"), `${HTPASSWD}\n`);
  writeFileSync(join(folder, "config.yml"), configuration(folder, options));

  const log = openSync(logFile, "w");
  const child = spawn(pathOf("docker-registry"), ["serve", join(folder, "config.yml")], {
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);

  const logs = () => readFileSync(logFile, "utf8");
  const stop = async () => {
    process.off("exit", kill);
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const host = await listening(child, logFile);
    await (await fetch(`http://${host}/v2/`)).body?.cancel();
    return { host, logs, stop };
  } catch (error) {
    const said = logs();
    await stop();
    throw new Error(`docker-registry does not start: ${said}`, { cause: error });
  }
}

function configuration(folder: string, options: DockerRegistryOptions): string {
  const config = {
    version: "0.1",
    log: { level: "info", accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: options.storage ?? join(folder, "storage") },
      delete: { enabled: options.delete ?? true },
    },
    http: { addr: "127.0.0.1:0", secret: "of a test" },
    ...(options.auth ? { auth: { htpasswd: { realm: "gcrane test", path: join(folder, "htpasswd") } } } : {}),
  };
  // JSON is YAML.
  return JSON.stringify(config);
}

/** Polls the log until it contains the address. The log is a file so that a blocked test can't block the registry. */
async function listening(child: ChildProcess, logFile: string): Promise<string> {
  let ended: Error | undefined;
  child.once("error", (error) => ended = error);
  child.once("exit", (code, signal) => ended = new Error(`it ended with ${signal ?? `exit code ${code}`}`));
  let host: string | undefined;
  await until(() => {
    if (ended !== undefined) throw ended;
    host = /listening on (127\.0\.0\.1:\d+)/.exec(readFileSync(logFile, "utf8"))?.[1];
    return host !== undefined;
  }, { what: "docker-registry's address" });
  return host!;
}
