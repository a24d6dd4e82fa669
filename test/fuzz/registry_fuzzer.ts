// Runs the operations of a client against a registry that changes its answers.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describeFailure } from "../../cli/failure.ts";
import { GcraneError } from "../../src/errors.ts";
import { basic } from "../../src/authn/mod.ts";
import type { CraneOptions } from "../../src/crane/mod.ts";
import { peakOf } from "../make/memory.ts";
import { until } from "../make/waiting.ts";
import type { Fuzzer } from "./fuzzing.ts";
import { type Operation, OPERATIONS, type Place, remains } from "./registry_operations.ts";
import { Content, MutatingServer, SECRETS } from "./registry_world.ts";

/** The most memory of a program, in MB. */
const MOST_MB = 300;
/** The longest text of an error that a user can be given, in characters. */
const LONGEST_ERROR = 20_000;

/** How an operation ended. */
interface Outcome {
  /** `"ok"`, or the code of the error. */
  readonly word: string;
  readonly output: string;
  /** Lines for standard error. */
  readonly complaint: string;
}

/** What is fuzzed, and where. */
export interface RegistryFuzzerOptions {
  /** The program to run; the library otherwise. */
  readonly binary?: string;
  /** The folder for temporary files, if it is of this process alone: none may stay. */
  readonly temporary?: string;
}

/** Creates the fuzzer, of the library or of a program. */
export async function registryFuzzer({ binary, temporary }: RegistryFuzzerOptions = {}): Promise<Fuzzer> {
  const content = await Content.make();
  const root = mkdtempSync(join(tmpdir(), "gcrane_fuzz_registry_"));
  return {
    concurrency: binary === undefined ? 6 : 8,
    // The program's recursive copy repeats requests for minutes.
    limit: binary === undefined ? 120_000 : 900_000,
    async run(random, trace) {
      const [name, operation] = random.pick(Object.entries(OPERATIONS));
      trace(name);
      const server = await new MutatingServer(trace, random).start();
      const plain = await new MutatingServer(() => {}).start();
      const folder = mkdtempSync(join(root, "case-"));
      const place = { content, server, plain, folder };
      try {
        await content.fill(server.registry);
        if (operation.needs !== undefined) await content.fill(plain.registry, operation.needs);
        const outcome = binary === undefined
          ? await byLibrary(operation, place)
          : await byProgram(binary, operation, place);
        await check(operation, place, outcome);
        return server.changed ? outcome.word : "no change met";
      } finally {
        await server.close();
        await plain.close();
        rmSync(folder, { recursive: true });
      }
    },
    async close() {
      rmSync(root, { recursive: true });
      if (temporary === undefined) return;
      const left = () => readdirSync(temporary).filter((name) => !name.startsWith("gcrane_fuzz_"));
      await until(() => left().length === 0, {
        what: () => `the end of temporary files: ${left().join(", ")}`,
        limit: 5000,
      });
    },
  };
}

async function check(operation: Operation, place: Place, { word, output, complaint }: Outcome): Promise<void> {
  const wrong: string[] = [];
  if (word === "ok") wrong.push(...await operation.check?.(place, output) ?? []);
  wrong.push(...await operation.always?.(place) ?? []);
  wrong.push(...remains(place.folder, word === "ok"));
  for (const secret of [SECRETS.password, SECRETS.token, SECRETS.url, btoa(`${SECRETS.user}:${SECRETS.password}`)]) {
    if (`${output}${complaint}`.includes(secret)) wrong.push(`a secret is printed: ${complaint}`);
  }
  if (/internal error/.test(complaint)) wrong.push(complaint);
  // The program shows each request on a line, of which there may be many.
  const error = complaint.split("\n").filter((line) => !/^[A-Z]+ https?:/.test(line)).join("\n");
  if (error.length > LONGEST_ERROR) wrong.push(`an error of ${error.length} characters`);
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x09\x0b-\x1f\x7f]/.test(complaint)) {
    wrong.push(`control characters in an error: ${JSON.stringify(complaint)}`);
  }
  if (wrong.length > 0) throw new Error(`after ${word}: ${wrong.join("; ").slice(0, 3000)}`);
}

async function byLibrary(operation: Operation, place: Place): Promise<Outcome> {
  const options: CraneOptions = {
    keychain: { resolve: () => Promise.resolve(basic(SECRETS.user, SECRETS.password)) },
    retry: { delayMs: 1, maxDelayMs: 10 },
    timeouts: { connectMs: 400, answerMs: 400, slowAnswerMs: 400, stallMs: 300 },
  };
  try {
    const output = await operation.call(place, options);
    const text = typeof output === "string" ? output : output ? new TextDecoder().decode(output) : "";
    return { word: "ok", output: text, complaint: "" };
  } catch (error) {
    const complaint = describeFailure(error, { verbose: true }).lines.join("\n");
    if (!(error instanceof GcraneError)) throw new Error(`an error without a code: ${complaint}`, { cause: error });
    return { word: error.code, output: "", complaint };
  }
}

async function byProgram(binary: string, operation: Operation, place: Place): Promise<Outcome> {
  const config = mkdtempSync(join(place.folder, "..", "config-"));
  const auth = { auth: btoa(`${SECRETS.user}:${SECRETS.password}`) };
  writeFileSync(
    join(config, "config.json"),
    JSON.stringify({ auths: { [place.server.host]: auth, [place.plain.host]: auth } }),
  );
  try {
    return await run(binary, [...operation.words(place), "--timeout", "1s", "--verbose"], config);
  } finally {
    rmSync(config, { recursive: true });
  }
}

function run(binary: string, words: readonly string[], config: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DOCKER_CONFIG: config, XDG_RUNTIME_DIR: config, XDG_CONFIG_HOME: config };
    const child = spawn(binary, words, { env, stdio: ["ignore", "pipe", "pipe"] });
    let [output, complaint, peak] = ["", "", 0];
    const watch = setInterval(() => peak = peakOf(child.pid) ?? peak, 20);
    child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => complaint += text);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(watch);
      if (peak > MOST_MB) return reject(new Error(`${Math.round(peak)} MB of memory`));
      if (code !== 0 && code !== 1) {
        return reject(new Error(`ended with ${code ?? signal}: ${complaint.slice(0, 2000)}`));
      }
      resolve({ word: code === 0 ? "ok" : "failed", output, complaint });
    });
  });
}
