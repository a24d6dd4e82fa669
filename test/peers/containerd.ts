import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runPeer } from "./programs.ts";
import { startServer } from "./server_process.ts";

/** A containerd that runs, with nothing in it at first. */
export interface Containerd {
  /** Runs ctr on it. */
  ctr(...args: string[]): Promise<string>;
  /** Ends it and removes what it stored. */
  stop(): Promise<void>;
}

/** Starts containerd with a storage of its own and the snapshots of plain folders, for images alone. */
export async function containerd(): Promise<Containerd> {
  const socket = (folder: string) => join(folder, "containerd.sock");
  const server = await startServer("containerd", {
    prepare: (folder) => writeFileSync(join(folder, "config.toml"), configuration(folder, socket(folder))),
    args: (folder) => ["--config", join(folder, "config.toml")],
    isReady: ({ folder, logs }) => existsSync(socket(folder)) && logs().includes("successfully booted"),
  });
  return {
    ctr: (...args) => runPeer("ctr", ["--address", socket(server.folder), ...args]),
    stop: server.stop,
  };
}

function configuration(folder: string, socket: string): string {
  const unused = [
    "grpc.v1.cri",
    "cri.v1.images",
    "cri.v1.runtime",
    "nri.v1.nri",
    "internal.v1.opt",
    ...["overlayfs", "btrfs", "zfs", "blockfile", "erofs"].map((kind) => `snapshotter.v1.${kind}`),
  ];
  return `version = 3
root = "${join(folder, "root")}"
state = "${join(folder, "state")}"
disabled_plugins = ${JSON.stringify(unused.map((name) => `io.containerd.${name}`))}
[grpc]
address = "${socket}"
[ttrpc]
address = "${socket}.ttrpc"
[plugins."io.containerd.transfer.v1.local"]
unpack_config = [{ platform = "linux", snapshotter = "native" }]
`;
}
