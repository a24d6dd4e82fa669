import { accessSync, constants, existsSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";

/** The programs that tests work with, by the names that this folder gives them. */
export type Peer =
  | "docker-registry"
  | "skopeo"
  | "umoci"
  | "podman"
  | "dockerd"
  | "tar"
  | "getfattr"
  | "bash"
  | "script"
  | "zsh"
  | "fish"
  | "jq"
  | "crane"
  | "gcrane"
  | "deno"
  | "bun"
  | "chromium"
  | "miniflare"
  | "s3rver"
  | "node 22.18"
  | "node 20"
  | "node 22"
  | "node 24"
  | "node 26"
  | "npm"
  | "npx"
  | "apt-get"
  | "dpkg-deb"
  | "unshare"
  | "chroot";

const found = new Map<Peer, string | undefined>();

/** Returns whether a program is installed. */
export function available(peer: Peer): boolean {
  return locate(peer) !== undefined;
}

/**
 * The path of a program. `GCRANE_NODE` names a Node.js other than the one on PATH, `GCRANE_DOCKERD` such a dockerd; else
 * Debian's docker.io may be unpacked, not installed, into `~/.cache/gcrane-peers/docker.io`.
 */
export function pathOf(peer: Peer): string {
  const path = locate(peer);
  if (path === undefined) throw new Error(`${peer} is not on PATH`);
  return path;
}

function locate(peer: Peer): string | undefined {
  if (!found.has(peer)) found.set(peer, search(peer));
  return found.get(peer);
}

function search(peer: Peer): string | undefined {
  switch (peer) {
    case "node 22.18":
      return locateNode();
    case "node 20":
    case "node 22":
    case "node 24":
    case "node 26":
      return locateNodeOf(peer.slice("node ".length));
    case "dockerd":
      return locateDockerd();
    case "miniflare":
    case "s3rver":
      return locatePackage(peer);
    default:
      return onPath(peer);
  }
}

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? "").split(delimiter).filter(Boolean).map((folder) => join(folder, name)).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Finds a Node.js that runs TypeScript without a flag. */
function locateNode(): string | undefined {
  const path = process.env.GCRANE_NODE ?? onPath("node");
  if (path === undefined) return undefined;
  const [major, minor] = execFileSync(path, ["--version"], { encoding: "utf8" }).slice(1).split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 18) ? path : undefined;
}

/** Finds a Node.js of this major version, on PATH or among the packages that .ci/run installs. */
function locateNodeOf(major: string): string | undefined {
  const installed = join(homedir(), `.cache/gcrane-peers/node${major}/node_modules/node/bin/node`);
  return [onPath(`node${major}`), onPath("node"), installed].find((path) =>
    path !== undefined && executable(path) &&
    execFileSync(path, ["--version"], { encoding: "utf8" }).startsWith(`v${major}.`)
  );
}

/** Finds a package of npm among those that are installed beside this one, for Node.js to run. */
function locatePackage(name: string): string | undefined {
  const folder = join(homedir(), ".cache/gcrane-peers/npm/node_modules", name);
  return onPath("node") !== undefined && existsSync(join(folder, "package.json")) ? folder : undefined;
}

/** Finds a dockerd, on PATH or in a package that is unpacked. */
function locateDockerd(): string | undefined {
  const unpacked = join(homedir(), ".cache/gcrane-peers/docker.io/usr/sbin/dockerd");
  return process.env.GCRANE_DOCKERD ?? onPath("dockerd") ?? (executable(unpacked) ? unpacked : undefined);
}
