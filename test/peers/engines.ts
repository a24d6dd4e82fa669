import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { pathOf, type Peer } from "./available.ts";
import { until } from "../make/waiting.ts";
import { peerEnvironment } from "./programs.ts";

/** An engine that runs, with nothing in it at first. */
export interface Engine {
  /** Where it listens: `unix:///tmp/…`. */
  readonly host: string;
  /** What it has logged so far. */
  logs(): string;
  /** Ends it and removes what it stored, and resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts podman's service, which speaks the API of Docker, as root and with a storage of its own. */
export function podmanEngine(): Promise<Engine> {
  return start("podman", (folder, host) => [
    ...["--root", join(folder, "root"), "--runroot", join(folder, "run"), "--tmpdir", join(folder, "tmp")],
    ...["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"],
    ...["system", "service", "--time=0", host],
  ]);
}

/** Starts dockerd with its containerd, as root, without a network and with a storage of its own. */
export function dockerEngine(): Promise<Engine> {
  return start("dockerd", (folder, host) => {
    const config = join(folder, "daemon.json");
    writeFileSync(config, "{}");
    return [
      ...["--config-file", config, "--storage-driver", "vfs"],
      ...["--iptables=false", "--ip6tables=false", "--bridge=none"],
      ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "--pidfile", join(folder, "pid")],
      ...["--host", host],
    ];
  });
}

async function start(peer: Peer, args: (folder: string, host: string) => string[]): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_engine_"));
  const socket = join(folder, "engine.sock");
  const logFile = join(folder, "log");
  const log = openSync(logFile, "w");
  const child = spawn(pathOf(peer), args(folder, `unix://${socket}`), {
    env: { ...peerEnvironment(), PATH: pathWith(pathOf(peer)) },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  // It ends its containerd when it is asked to end, and not when it is killed.
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);

  const logs = () => readFileSync(logFile, "utf8");
  const stop = async () => {
    process.off("exit", kill);
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(child, socket);
    return { host: `unix://${socket}`, logs, stop };
  } catch (error) {
    const said = logs();
    await stop();
    throw new Error(`${peer} does not start: ${said}`, { cause: error });
  }
}

/** What dockerd starts (containerd, runc) is beside it where its package is unpacked. */
function pathWith(program: string): string {
  const folder = dirname(program);
  return [folder, join(folder, "../bin"), process.env.PATH ?? ""].join(delimiter);
}

/** Waits until the engine responds on the socket, which exists before the engine listens. */
async function listening(child: ChildProcess, socket: string): Promise<void> {
  let ended: Error | undefined;
  child.once("error", (error) => ended = error);
  child.once("exit", (code, signal) => ended = new Error(`it ended with ${signal ?? `exit code ${code}`}`));
  await until(() => {
    if (ended !== undefined) throw ended;
    return connects(socket);
  }, { what: "the engine's socket" });
}

function connects(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.on("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
}
