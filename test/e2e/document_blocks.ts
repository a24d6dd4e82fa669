// The blocks of commands in README.md and in docs, and how tests run them.

import { assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { gcraneCommand, withFolder } from "../make/gcrane_process.ts";
import { withRegistryProcess } from "../make/registry_process.ts";

/** Returns a section of a document, by its heading; without one the whole document. */
export function sectionOf(path: string, heading?: string): string {
  const document = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  if (heading === undefined) return document;
  const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${path} has no section ${JSON.stringify(heading)}`);
  return section;
}

/** Returns the blocks of a language in a text. Those of `sh` run in tests as they stand. */
export function blocksOf(text: string, language: "sh" | "console"): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, block]) => block);
}

/** What a block wrote. */
export interface BlockOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs blocks in a folder, with gcrane as a program on PATH and registries under the documents' names. */
export function blockRunner(folder: string, hosts: Record<string, string>): (block: string) => BlockOutput {
  const programs = join(folder, "bin");
  mkdirSync(programs);
  writeFileSync(join(programs, "gcrane"), `#!/bin/sh\nexec ${gcraneCommand} "$@"\n`);
  chmodSync(join(programs, "gcrane"), 0o755);
  return (block) => {
    const lines = Object.entries(hosts).reduce((text, [name, host]) => text.replaceAll(name, host), block);
    const { status, stdout, stderr } = spawnSync("bash", ["-c", `set -euo pipefail\n${lines}`], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, DOCKER_CONFIG: folder, PATH: `${programs}${delimiter}${process.env.PATH}` },
    });
    assertEquals(status, 0, `${block}\n${stderr}`);
    return { stdout, stderr };
  };
}

/** Two registries under the names of the documents, and a folder in which blocks run. */
export interface TwoRegistries {
  readonly folder: string;
  readonly registry: string;
  readonly mirror: string;
  readonly run: (block: string) => BlockOutput;
}

/** Starts two registries for blocks. */
export async function withTwoRegistries(work: (stage: TwoRegistries) => void | Promise<void>): Promise<void> {
  await withFolder(async (folder) =>
    await withRegistryProcess(async (registry) =>
      await withRegistryProcess(async (mirror) => {
        const run = blockRunner(folder, { "registry.example.com": registry, "mirror.example.com": mirror });
        await work({ folder, registry, mirror, run });
      })
    )
  );
}

/** Writes the folders `site` and `config`, of which the documents make images. */
export function writeSite(folder: string): void {
  mkdirSync(join(folder, "site"));
  writeFileSync(join(folder, "site", "index.html"), "<h1>hello</h1>\n");
  mkdirSync(join(folder, "config", "etc"), { recursive: true });
  writeFileSync(join(folder, "config", "etc", "site.conf"), "port = 80\n");
}
