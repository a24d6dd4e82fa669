// What the commands do with the quirks of registries, beside crane, as a table.
//
//   deno run -A --no-check test/interop/quirks_table.ts --write     writes docs/quirks.md

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { gcrane } from "../../cli/table.ts";
import { saveTarball, validateTarball } from "../../src/crane/mod.ts";
import { type Image, randomImage } from "../../src/image/mod.ts";
import { mapConcurrent } from "../../src/io/mod.ts";
import type { RegistryHandler } from "../../src/registry/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import {
  digestOf,
  type Quirk,
  QUIRK_USER,
  QuirkyRegistry,
  READING_QUIRKS,
  SIGN_IN_QUIRKS,
  UPLOAD_QUIRKS,
} from "../fakes/mod.ts";
import { runLine } from "../make/command_line.ts";
import { available, pathOf } from "../peers/mod.ts";

/** The quirks, by name. */
const QUIRKS: Readonly<Record<string, Quirk>> = { ...SIGN_IN_QUIRKS, ...READING_QUIRKS, ...UPLOAD_QUIRKS };

/** What a command came to: success with the right result, an error, or success with another result. */
export type Outcome = "yes" | "error" | "WRONG";

/** A row: the outcomes of each command, ours and, where crane is installed, crane's, which has no tree. */
export interface Row {
  readonly quirk: string;
  readonly outcomes: readonly { readonly command: string; readonly ours: Outcome; readonly crane?: Outcome }[];
}

const TAGS = ["v1", "v2", "v3", "v4", "v5"];

/** The content of the registries. */
class Content {
  readonly #image: Image = randomImage({ seed: 7, layers: 2, size: 30_000, compression: "gzip" });
  readonly #blobs: Bytes[] = [];
  #manifest: Bytes = new Uint8Array();
  digest = "";

  static async make(): Promise<Content> {
    const content = new Content();
    for (const layer of await content.#image.layers()) {
      content.#blobs.push(new Uint8Array(await new Response(await layer.compressed()).arrayBuffer()));
    }
    content.#blobs.push(await content.#image.rawConfigFile());
    content.#manifest = await content.#image.rawManifest();
    content.digest = digestOf(content.#manifest);
    return content;
  }

  /** Gives it to a registry. */
  async fill(registry: RegistryHandler, repository: string): Promise<void> {
    const base = `http://registry/v2/${repository}`;
    for (const body of this.#blobs) {
      await registry.fetch(`${base}/blobs/uploads/?digest=${digestOf(body)}`, { method: "POST", body });
    }
    const headers = { "content-type": await this.#image.mediaType() };
    for (const tag of TAGS) {
      await registry.fetch(`${base}/manifests/${tag}`, { method: "PUT", body: this.#manifest, headers });
    }
  }

  /** Writes it into a tarball. */
  async save(path: string): Promise<void> {
    await saveTarball([{ view: this.#image, reference: "example.com/app:v1" }], path);
  }

  /** Returns whether a repository has the image whole, under the tag `v1`. */
  async isWhole(registry: RegistryHandler, repository: string): Promise<boolean> {
    const base = `http://registry/v2/${repository}`;
    const answer = await registry.fetch(`${base}/manifests/v1`);
    if (answer.status !== 200) return false;
    const { config, layers } = await answer.json();
    if (layers.length !== this.#blobs.length - 1) return false;
    for (const { digest } of [config, ...layers]) {
      const blob = await registry.fetch(`${base}/blobs/${digest}`);
      if (digestOf(new Uint8Array(await blob.arrayBuffer())) !== digest) return false;
    }
    return true;
  }
}

/** A run of a command. */
interface Run {
  readonly content: Content;
  readonly server: QuirkyRegistry;
  readonly folder: string;
  readonly output: string;
}

/** Where a command works: the registry with the quirk, the one that is copied from, and a folder. */
interface Place {
  readonly host: string;
  readonly source: string;
  readonly folder: string;
}

/** A command: its words, and whether its success is one. */
interface TableCommand {
  readonly words: (place: Place) => string[];
  readonly isRight: (run: Run) => boolean | Promise<boolean>;
}

const COMMANDS: Readonly<Record<string, TableCommand>> = {
  ls: {
    words: ({ host }) => ["ls", `${host}/app`],
    isRight: ({ output }) => output.split("\n").filter(Boolean).sort().join() === TAGS.join(),
  },
  digest: {
    words: ({ host }) => ["digest", `${host}/app:v1`],
    isRight: ({ output, content }) => output.trim() === content.digest,
  },
  pull: {
    words: ({ host, folder }) => ["pull", `${host}/app:v1`, join(folder, "out.tar")],
    isRight: ({ folder }) => validateTarball(join(folder, "out.tar")).then(() => true, () => false),
  },
  push: {
    words: ({ host, folder }) => ["push", join(folder, "..", "in.tar"), `${host}/pushed:v1`],
    isRight: ({ content, server }) => content.isWhole(server.registry, "pushed"),
  },
  copy: {
    words: ({ host, source }) => ["copy", `${source}:v1`, `${host}/copy:v1`],
    isRight: ({ content, server }) => content.isWhole(server.registry, "copy"),
  },
  tree: {
    words: ({ host }) => ["tree", `${host}/app:v1`],
    isRight: ({ output, content }) => output.includes(content.digest.slice(0, 19)),
  },
};

/** Runs a program, and returns its output; throws if it fails. */
type Program = (words: readonly string[], environment: Record<string, string>) => Promise<string>;

const ours: Program = async (words, environment) => {
  const { code, out, err } = await runLine([...words, "--timeout", "20s"], {
    program: gcrane,
    environment,
    keepsTemporaries: true,
  });
  if (code !== 0) throw new Error(err);
  return out;
};

/** Runs crane, which follows some lists without end, for a while. */
const crane: Program = async (words, environment) => {
  const run = promisify(execFile);
  const options = { env: { ...process.env, ...environment }, timeout: 30_000, killSignal: "SIGKILL" as const };
  return (await run(pathOf("crane"), [...words], { ...options, maxBuffer: 64 * 1024 * 1024 })).stdout;
};

/** Makes the rows, or those of some quirks. */
export async function quirkRows(names: readonly string[] = Object.keys(QUIRKS)): Promise<Row[]> {
  const content = await Content.make();
  const root = mkdtempSync(join(tmpdir(), "gcrane_quirks_"));
  try {
    await content.save(join(root, "in.tar"));
    const runs = names.flatMap((quirk) => Object.keys(COMMANDS).map((command) => ({ quirk, command })));
    const outcomes = await mapConcurrent(runs, { concurrency: 16 }, async ({ quirk, command }, signal) => {
      signal?.throwIfAborted();
      const folder = mkdtempSync(join(root, "run-"));
      const own = await outcomeOf(ours, { content, folder, quirk, command });
      const theirs = command === "tree" || !available("crane")
        ? undefined
        : await outcomeOf(crane, { content, folder, quirk, command });
      return { quirk, command, ours: own, crane: theirs };
    });
    return names.map((quirk) => ({ quirk, outcomes: outcomes.filter((outcome) => outcome.quirk === quirk) }));
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function outcomeOf(
  program: Program,
  { content, folder, quirk, command }: { content: Content; folder: string; quirk: string; command: string },
): Promise<Outcome> {
  const server = await new QuirkyRegistry(QUIRKS[quirk]).start();
  const elsewhere = await new QuirkyRegistry({}).start();
  try {
    await content.fill(server.registry, "app");
    await content.fill(elsewhere.registry, "elsewhere");
    const source = QUIRKS[quirk].copiesFromElsewhere ? `${elsewhere.host}/elsewhere` : `${server.host}/app`;
    const auth = btoa(`${QUIRK_USER.name}:${QUIRK_USER.password}`);
    const config = join(folder, "config");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "config.json"), JSON.stringify({ auths: { [server.host]: { auth } } }));
    const environment = { DOCKER_CONFIG: config, HOME: config, XDG_RUNTIME_DIR: config, XDG_CONFIG_HOME: config };
    const { words, isRight } = COMMANDS[command];
    const output = await program(words({ host: server.host, source, folder }), {
      ...environment,
      GCRANE_AS: "crane",
      GCRANE_GCLOUD: "",
      NO_GCE_CHECK: "true",
    })
      .catch(() => undefined);
    if (output === undefined) return "error";
    return await isRight({ content, server, folder, output }) ? "yes" : "WRONG";
  } finally {
    await Promise.all([server.close(), elsewhere.close()]);
  }
}

/** Why gcrane does not do what crane does, or neither does what is right. */
export const REASONS: Readonly<Record<string, string>> = {
  "link: https": "security rule 6: a list stays at the scheme of the registry",
  "manifest: another digest": "nothing but the manifest itself can refute the digest in an answer to HEAD",
  "tags: null": "an emptied repository has this list, so it is empty",
  "tags: missing": "a list without its field may be partial, and crane takes it for empty",
};

/** Reads the rows of the document. */
export function documentedRows(text: string): Row[] {
  const lines = text.split("\n").filter((line) => line.startsWith("|")).map((line) => line.split("|").slice(1, -1));
  const [head, _, ...body] = lines.map((cells) => cells.map((cell) => cell.trim()));
  const commands = head.slice(1, -1);
  return body.map(([quirk, ...cells]) => ({
    quirk,
    outcomes: commands.map((command, i) => {
      const [, ours, crane = ours] = /^(\w+)(?: \(crane: (\w+)\))?$/.exec(cells[i]) as unknown as [
        string,
        Outcome,
        Outcome?,
      ];
      return { command, ours, crane: command === "tree" ? undefined : crane };
    }),
  }));
}

/** Writes the rows as a document. */
export function quirkDocument(rows: readonly Row[]): string {
  const commands = Object.keys(COMMANDS);
  const cells = rows.map(({ quirk, outcomes }) => [
    quirk,
    ...outcomes.map(({ ours, crane }) => crane === undefined || crane === ours ? ours : `${ours} (crane: ${crane})`),
    REASONS[quirk] ?? "",
  ]);
  const head = ["Quirk", ...commands, "Why"];
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [
    "# Quirks of registries",
    "",
    'What the commands do with registries that have one quirk each, and where crane does something else. "yes" is success',
    'with the right result, "error" an error, and "WRONG" success without it: tags or bytes are missing, or are others.',
    "`deno run -A --no-check test/interop/quirks_table.ts --write` makes this table, and `test/interop/quirks_test.ts` checks",
    "it.",
    "",
    line(head),
    line(widths.map((width) => "-".repeat(width))),
    ...cells.map(line),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const text = quirkDocument(await quirkRows());
  if (process.argv.includes("--write")) writeFileSync(join(import.meta.dirname!, "../../docs/quirks.md"), text);
  else console.log(text);
}
