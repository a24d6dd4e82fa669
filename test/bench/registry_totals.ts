import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalogEntry } from "../../src/registry/content/repository_keys.ts";
import type { BenchServer } from "./registry_servers.ts";

/** Gives a repository of one tag, `v0`, on the disk of a registry, further tags of the same manifest. */
export function copyTags({ kind, folder }: BenchServer, repository: string, count: number): void {
  if (kind === "docker-registry") {
    const tags = join(folder, DOCKER, repository, "_manifests/tags");
    copies(tags, "v0", (i) => `v${i}`, count);
    return;
  }
  const path = join(folder, OURS, repository);
  copies(join(path, "_tags"), "v0", (i) => `v${i}`, count);
  const [entry] = readdirSync(join(path, "_tagged"));
  copies(join(path, "_tagged"), entry, (i) => entry.replace(/v0$/, `v${i}`), count);
}

/** Makes copies of the repository `GROUP/r0` on the disk of a registry: `GROUP/r1` and so on. */
export function copyRepositories({ kind, folder }: BenchServer, group: string, count: number): void {
  const root = join(folder, kind === "docker-registry" ? DOCKER : OURS);
  copies(join(root, group), "r0", (i) => `r${i}`, count);
  if (kind === "ours") {
    copies(join(root, "_catalog"), catalogEntry(`${group}/r0`), (i) => catalogEntry(`${group}/r${i}`), count);
  }
}

const DOCKER = "storage/docker/registry/v2/repositories";
const OURS = "records/repositories";

/** Makes `count` of a file or directory, itself included. */
function copies(parent: string, name: string, nameOf: (index: number) => string, count: number): void {
  const from = join(parent, name);
  const isFile = readdirSync(parent, { withFileTypes: true }).some((entry) => entry.name === name && entry.isFile());
  const bytes = isFile ? readFileSync(from) : undefined;
  for (let i = 1; i < count; i++) {
    const to = join(parent, nameOf(i));
    if (bytes) writeFileSync(to, bytes);
    else cpSync(from, to, { recursive: true });
  }
}
