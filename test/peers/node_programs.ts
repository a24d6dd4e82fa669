import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A program of Node.js that serves. */
export interface NodeProgram {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** The address of its inspector, if it prints one. */
  readonly inspector: string;
  /** Returns its standard error so far. */
  said(): string;
  /** Ends it and resolves when it is gone. */
  stop(): Promise<void>;
}

/** How {@linkcode workerd} runs a Worker. */
export interface WorkerdOptions {
  /** The folder of the bucket that is bound as BUCKET. */
  r2: string;
  /** Variables of the Worker. */
  bindings?: Record<string, string>;
  /** Compatibility flags; `nodejs_compat` if none are named. */
  flags?: readonly string[];
}

/** Runs a Worker of one module, bundled, under workerd. */
export function workerd(script: string, options: WorkerdOptions): Promise<NodeProgram> {
  return start("workerd_program.mjs", [script, options.r2], {
    WORKER_BINDINGS: JSON.stringify(options.bindings ?? {}),
    WORKER_FLAGS: (options.flags ?? ["nodejs_compat"]).join(" "),
  });
}

/** Runs s3rver, an S3 with the bucket `images` whose keys are both `S3RVER`. */
export function s3rver(folder: string): Promise<NodeProgram> {
  return start("s3rver_program.mjs", [folder], {});
}

async function start(name: string, args: readonly string[], env: Record<string, string>): Promise<NodeProgram> {
  const program = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn("node", ["--no-deprecation", program, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let said = "";
  child.stderr.on("data", (chunk) => said += chunk);
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const [url, inspector = ""] = await Promise.race([
    once(lines, "line").then(([line]) => String(line).split(" ")),
    exited.then(() => []),
  ]);
  if (url === undefined) throw new Error(`${name} does not start: ${said}`);
  return {
    url,
    inspector,
    said: () => said,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
