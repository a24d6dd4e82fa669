import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forkyRoot, pythonOfForky } from "./available.ts";
import { runPeer } from "./programs.ts";
import { freePort, type ServerProcess, startServer } from "./server_process.ts";

const libraries = join(forkyRoot, "usr/lib/x86_64-linux-gnu");

/** Ceph's object gateway that runs. */
export interface CephGateway {
  /** Its URL. */
  readonly url: string;
  /** Returns its output so far. */
  logs(): string;
  /** Ends it and its cluster. */
  stop(): Promise<void>;
}

/** Starts a cluster of Ceph with one monitor and one disk in memory, and its object gateway with one user. */
export async function cephGateway(keys: { accessKeyId: string; secretAccessKey: string }): Promise<CephGateway> {
  const started: ServerProcess[] = [];
  const stop = async () => {
    for (const server of started.toReversed()) await server.stop();
  };
  try {
    const monitorPort = await freePort();
    const conf = (folder: string) => ["--conf", join(folder, "ceph.conf")];
    const monitor = await startServer("ceph-mon", {
      async prepare(folder) {
        for (const name of ["mon", "osd"]) mkdirSync(join(folder, name));
        writeFileSync(join(folder, "ceph.conf"), configuration(folder, monitorPort));
        await runPeer("ceph-mon", [...conf(folder), "--mkfs", "-i", "a"]);
      },
      args: (folder) => [...conf(folder), "-i", "a", "--foreground"],
      isReady: ({ logs }) => logs().includes("is new leader"),
    });
    started.push(monitor);
    const common = conf(monitor.folder);
    const ceph = (...words: string[]) =>
      runPeer("python of forky", [join(forkyRoot, "usr/bin/ceph"), ...common, ...words], { env: pythonOfForky });

    const uuid = crypto.randomUUID();
    await ceph("osd", "new", uuid, "0");
    const disk = await startServer("ceph-osd", {
      prepare: async () => void await runPeer("ceph-osd", [...common, "--mkfs", "-i", "0", "--osd-uuid", uuid]),
      args: () => [...common, "-i", "0", "--foreground"],
      isReady: async () => JSON.parse(await ceph("osd", "stat", "--format", "json")).num_up_osds === 1,
    });
    started.push(disk);

    const name = ["--name", "client.rgw.a"];
    await runPeer("radosgw-admin", [
      ...[...common, ...name, "user", "create", "--uid=gcrane", "--display-name=gcrane"],
      ...[`--access-key=${keys.accessKeyId}`, `--secret-key=${keys.secretAccessKey}`],
    ]);
    const port = await freePort();
    const gateway = await startServer("radosgw", {
      args: () => [
        ...[...common, ...name, "--foreground", "--debug-rgw=4"],
        "--ms-mon-client-mode=crc", // its own default needs keys
        `--rgw-frontends=beast endpoint=127.0.0.1:${port}`,
      ],
      isReady: ({ logs }) => logs().includes("frontend listening on"),
    });
    started.push(gateway);
    return { url: `http://127.0.0.1:${port}`, logs: gateway.logs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(folder: string, monitorPort: number): string {
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  return `[global]
fsid = ${crypto.randomUUID()}
mon host = ${address}
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = ${join(folder, "mon")}
mon data avail crit = 1
osd data = ${join(folder, "osd")}
osd objectstore = memstore
memstore device bytes = 1073741824
osd class dir = ${join(libraries, "rados-classes")}
erasure code dir = ${join(libraries, "ceph/erasure-code")}
plugin dir = ${join(libraries, "ceph")}
run dir = ${folder}
crash dir = ${folder}
admin socket =
log to file = false
log to stderr = true
rgw data = ${folder}
rgw run sync thread = false
[mon.a]
public addrv = ${address}
[osd]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
`;
}
