import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathOf, type Peer } from "./available.ts";
import { peerEnvironment } from "./programs.ts";
import { until } from "../make/waiting.ts";

/** A server that runs, with a folder of its own. */
export interface ServerProcess {
  /** Its folder. */
  readonly folder: string;
  /** Returns its output so far. */
  logs(): string;
  /** Ends it, removes its folder, and resolves when it is gone. */
  stop(): Promise<void>;
}

/** How {@linkcode startServer} starts a server. */
export interface ServerStart {
  /** Returns its arguments. */
  args(folder: string): readonly string[];
  /** Variables beside the inherited ones. */
  env?: Record<string, string>;
  /** Returns whether it answers; called until it does. */
  isReady(server: ServerProcess): boolean | Promise<boolean>;
  /** Work in its folder before it starts. */
  prepare?(folder: string): void | Promise<void>;
}

/** Starts a server and waits until it is ready. Its log is a file, so that a blocked test can't block the server. */
export async function startServer(peer: Peer, start: ServerStart): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_server_"));
  const logFile = join(folder, "server.log");
  let child: ChildProcess | undefined;
  const kill = () => child?.kill("SIGKILL");
  const server: ServerProcess = {
    folder,
    logs: () => readFileSync(logFile, "utf8"),
    async stop() {
      process.off("exit", kill);
      if (child && child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGKILL"); // its folder is thrown away
        await exited;
      }
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
  const log = openSync(logFile, "w");
  try {
    await start.prepare?.(folder);
    child = spawn(pathOf(peer), [...start.args(folder)], {
      cwd: folder,
      env: { ...peerEnvironment(), ...start.env },
      stdio: ["ignore", log, log],
    });
    process.once("exit", kill);
    let ended: Error | undefined;
    child.once("error", (error) => ended = error);
    child.once("exit", (code, signal) => ended = new Error(`it ended with ${signal ?? `exit code ${code}`}`));
    await until(() => {
      if (ended !== undefined) throw ended;
      return start.isReady(server);
    }, { what: `${peer} to answer` });
    return server;
  } catch (error) {
    const output = server.logs();
    await server.stop();
    throw new Error(`${peer} does not start: ${output}`, { cause: error });
  } finally {
    closeSync(log);
  }
}

/** Returns a port of the loopback interface that is free now, for servers that can't choose one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
