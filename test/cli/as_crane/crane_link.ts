import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { programWords } from "../../make/processes.ts";

/** How a script ended. */
export interface ScriptResult {
  code: number | null;
  out: string;
  err: string;
}

/** A folder in which `crane` is a link to gcrane, and scripts run. */
export class CraneLink {
  readonly #folder: string;
  readonly #env: Record<string, string | undefined>;

  /** Makes the programs for a folder. Every registry of the internet is the one at this `host:port`. */
  constructor(folder: string, registry: string) {
    this.#folder = folder;
    const programs = join(folder, "bin");
    mkdirSync(programs);
    const words = programWords(fileURLToPath(new URL("anywhere_program.ts", import.meta.url)));
    const line = words.map((word) => `'${word}'`).join(" ");
    // A runtime has its own name otherwise, as gcrane is not one file here.
    writeFileSync(join(programs, "gcrane"), `#!/usr/bin/env bash\nexec -a "$0" ${line} "$@"\n`);
    chmodSync(join(programs, "gcrane"), 0o755);
    symlinkSync("gcrane", join(programs, "crane"));
    this.#env = {
      ...process.env,
      PATH: `${programs}${delimiter}${process.env.PATH}`,
      REGISTRY: registry,
      HOME: folder,
      DOCKER_CONFIG: join(folder, ".docker"),
      XDG_RUNTIME_DIR: join(folder, "no-run"),
      XDG_CONFIG_HOME: join(folder, "no-config"),
      CLOUDSDK_CONFIG: join(folder, "no-gcloud"),
      GCRANE_GCLOUD: "",
      NO_GCE_CHECK: "true",
    };
  }

  /** Runs a script, with variables beside the inherited ones. */
  run(script: string, env: Record<string, string> = {}): ScriptResult {
    const { status, stdout, stderr } = spawnSync("bash", ["-c", `set -euo pipefail\n${script}`], {
      cwd: this.#folder,
      encoding: "utf8",
      env: { ...this.#env, ...env },
    });
    return { code: status, out: stdout, err: stderr };
  }
}
