import { accessSync, constants } from "node:fs";
import { execFileSync } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";

/** The programs that tests work with, by the names that this folder gives them. */
export type Peer =
  | "docker-registry"
  | "skopeo"
  | "umoci"
  | "podman"
  | "tar"
  | "bash"
  | "script"
  | "zsh"
  | "fish"
  | "crane"
  | "bun"
  | "node 22.18";

const found = new Map<Peer, string | undefined>();

/** Says whether a program is here. */
export function available(peer: Peer): boolean {
  return locate(peer) !== undefined;
}

/** The path of a program. `GCRANE_NODE` names a Node.js other than the one on PATH. */
export function pathOf(peer: Peer): string {
  const path = locate(peer);
  if (path === undefined) throw new Error(`${peer} is not on PATH`);
  return path;
}

function locate(peer: Peer): string | undefined {
  if (!found.has(peer)) found.set(peer, peer === "node 22.18" ? locateNode() : onPath(peer));
  return found.get(peer);
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
