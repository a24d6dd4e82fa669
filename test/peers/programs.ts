import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { pathOf, type Peer } from "./available.ts";

/** How {@linkcode runPeer} runs. */
export interface RunPeerOptions {
  /** Variables beside the inherited ones. */
  env?: Record<string, string>;
  /** The working directory. */
  cwd?: string;
  /** What it reads on standard input. */
  input?: string | Uint8Array;
}

/** Runs a program to its end and returns its standard output; throws with its standard error if it fails. */
export async function runPeer(peer: Peer, args: readonly string[], options: RunPeerOptions = {}): Promise<string> {
  return new TextDecoder().decode(await runPeerForBytes(peer, args, options));
}

/** As {@linkcode runPeer}, for output that is not text. */
export function runPeerForBytes(
  peer: Peer,
  args: readonly string[],
  options: RunPeerOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const child = spawn(pathOf(peer), [...args], {
      cwd: options.cwd,
      env: { ...peerEnvironment(), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Uint8Array[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Uint8Array) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Uint8Array) => stderr += new TextDecoder().decode(chunk));
    // A program that ends without reading its input closes the pipe; how it ended is what counts.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    child.on("error", (error) => reject(new Error(`${peer} can't be started: ${error.message}`, { cause: error })));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(joined(stdout));
      else reject(new Error(`${peer} ${args.join(" ")} ended with ${signal ?? `exit code ${code}`}: ${stderr.trim()}`));
    });
  });
}

/**
 * The environment of a program: that of the tests, without the machine's sign-ins, of which podman demands that they
 * exist, and in a locale that does not translate what tests read.
 */
export function peerEnvironment(): NodeJS.ProcessEnv {
  const { DOCKER_CONFIG: _, REGISTRY_AUTH_FILE: __, ...environment } = process.env;
  return { ...environment, LC_ALL: "C" };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Runs skopeo, with a signature policy that accepts everything: the machine's own may be missing. */
export function skopeo(...args: string[]): Promise<string> {
  return runPeer("skopeo", ["--insecure-policy", ...args]);
}

/** Runs umoci. */
export function umoci(...args: string[]): Promise<string> {
  return runPeer("umoci", args);
}

/** Runs GNU tar. */
export function tar(...args: string[]): Promise<string> {
  return runPeer("tar", args);
}

/** Runs podman, as root without a daemon, with its storage in the folder `storage` and nowhere else. */
export function podman(storage: string, ...args: string[]): Promise<string> {
  const folders = ["--root", join(storage, "root"), "--runroot", join(storage, "run")];
  return runPeer("podman", [...folders, "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", ...args]);
}
