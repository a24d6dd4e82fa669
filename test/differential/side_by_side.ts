// Runs the cases with both programs against one registry, and compares what is there afterwards.

import { writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { gcrane } from "../../cli/table.ts";
import { mapConcurrent, streamOf } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { FakeRegistry, fakeServer } from "../fakes/mod.ts";
import { runLine } from "../make/command_line.ts";
import { ownCredentials } from "../make/command_world.ts";
import { pathOf } from "../peers/mod.ts";
import { type Case, cases } from "./command_lines.ts";
import { textDifferences } from "./json_tree.ts";
import { type Sample, samples, sha256, stored, tars } from "./samples.ts";

/** One difference between the results of a case. */
export interface Finding {
  readonly sample: string;
  /** The lines, with placeholders. */
  readonly lines: string;
  /** Where: `exit`, `config.history[0].created`, `layer content`. */
  readonly path: string;
  readonly ours?: string;
  readonly theirs?: string;
  /** Whether ours is in a document that is the source's, byte for byte. */
  readonly isKept: boolean;
}

export interface Outcome {
  readonly case: Case;
  readonly findings: readonly Finding[];
}

export type Side = "ours" | "theirs";

/** How a line ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Document {
  readonly mediaType: string;
  readonly text: string;
}

/** One of several parts of the cases. */
export interface Part {
  readonly part: number;
  readonly of: number;
}

/** Runs a part of the cases, in a folder for their files. */
export async function runSideBySide(folder: string, part: Part): Promise<Outcome[]> {
  // It takes indexes whose members are absent, as some registries do.
  const registry = new FakeRegistry();
  const server = await fakeServer(registry.handle);
  try {
    return await new SideBySide(registry, server.host, folder).run(part);
  } finally {
    await server.close();
  }
}

class SideBySide {
  readonly #registry: FakeRegistry;
  readonly #host: string;
  readonly #folder: string;
  /** What placeholders stand for on both sides. */
  readonly #names: Record<string, string> = {};
  readonly #samples = new Map<string, Sample>();

  constructor(registry: FakeRegistry, host: string, folder: string) {
    this.#registry = registry;
    this.#host = host;
    this.#folder = folder;
  }

  async run({ part, of }: Part): Promise<Outcome[]> {
    const made = await samples();
    for (const sample of [...made.images, ...made.indexes, ...made.bases]) {
      this.#samples.set(sample.name, sample);
      this.#put(sample, `src/${sample.name}`, "v1");
      this.#names[sample.name] = `${this.#host}/src/${sample.name}:v1`;
    }
    for (const [name, tar] of Object.entries(await tars())) {
      for (const [end, kind] of [["", "none"], [".gz", "gzip"], [".zst", "zstd"]] as const) {
        const path = join(this.#folder, `${name}.tar${end}`);
        writeFileSync(path, stored(tar, kind).bytes);
        this.#names[`${name}.tar${end}`] = path;
      }
    }
    const outcomes: Outcome[] = [];
    const chosen = cases(made).filter((_, at) => at % of === part);
    await mapConcurrent(chosen.entries(), { concurrency: 4 }, async ([at, one]) => {
      outcomes[at] = { case: one, findings: await this.#compare(one, at) };
    });
    return outcomes;
  }

  #put({ children, blobs, manifest, mediaType }: Sample, repository: string, tag?: string): void {
    for (const child of children) this.#put(child, repository);
    for (const blob of blobs) this.#registry.addBlob(repository, blob);
    this.#registry.addManifest(repository, { bytes: manifest, mediaType }, tag);
  }

  async #compare(one: Case, at: number): Promise<Finding[]> {
    const sample = this.#samples.get(one.sample)!;
    const [ours, theirs] = await Promise.all(
      (["ours", "theirs"] as const).map((side) => this.#runCase(one, at, side, sample)),
    );
    const originals = new Set(documentsOf(sample));
    const finding: Report = (path, ours, theirs, document) =>
      found.push({
        sample: one.sample,
        lines: one.lines.join("; "),
        path,
        ours,
        theirs,
        isKept: originals.has(document ?? ""),
      });
    const found: Finding[] = [];
    if ((ours.ended.code === 0) !== (theirs.ended.code === 0)) {
      const of = ({ code, err }: Ended) => code === 0 ? "0" : `${code}: ${err.trim()}`;
      finding("exit", of(ours.ended), of(theirs.ended));
      return found;
    }
    if (ours.ended.code !== 0) return [];
    if (ours.references.length !== theirs.references.length) {
      finding("stdout", ours.ended.out, theirs.ended.out);
      return found;
    }
    for (const [i, reference] of ours.references.entries()) {
      await new Comparison(finding, this.#registry).manifests(reference, theirs.references[i], "");
    }
    return found;
  }

  async #runCase(one: Case, at: number, side: Side, sample: Sample): Promise<{ ended: Ended; references: string[] }> {
    const ownName = `${side}-${at}`;
    const repository = `${this.#host}/src/${sample.name}`;
    const names: Record<string, string> = {
      ...this.#names,
      src: `${repository}:v1`,
      src_repository: repository,
      own: `${repository}:${ownName}`,
      own_name: ownName,
      dst: `${this.#host}/${side}/${at}:v1`,
      dst_repository: `${this.#host}/${side}/${at}`,
      file: join(this.#folder, `${side}-${at}`),
    };
    const filled = (text: string) => text.replace(/\{([^}]+)\}/g, (_, name: string) => names[name]);
    if (one.lines.some((line) => line.includes("{src_repository}"))) {
      // All tags are copied, and other cases make more.
      names.src_repository = `${this.#host}/all/${at}`;
      this.#put(sample, `all/${at}`, "v1");
    }
    if (one.lines.some((line) => line.includes("{own}"))) this.#put(sample, `src/${sample.name}`, ownName);
    let ended: Ended = { code: 0, out: "", err: "" };
    for (const line of one.lines) {
      const words = line.split(" ").map((word) => word === "''" ? "" : filled(word));
      ended = await runOn(side, words, this.#folder, this.#stdin(one, sample));
      if (ended.code !== 0) break;
    }
    const printed = one.result === "printed" ? ended.out.trim().split("\n").filter(Boolean) : one.result.map(filled);
    return { ended, references: printed };
  }

  #stdin({ stdin }: Case, sample: Sample): string | undefined {
    if (stdin === undefined) return undefined;
    const bytes = { config: sample.blobs[0], manifest: sample.manifest, text: new Uint8Array() }[stdin.of];
    return stdin.edit(new TextDecoder().decode(bytes));
  }
}

/** Runs a line of one program, which looks for credentials in this folder. */
export async function runOn(side: Side, words: readonly string[], folder: string, stdin = ""): Promise<Ended> {
  const environment = ownCredentials(folder);
  if (side === "ours") return await runLine(words, { program: gcrane, environment, stdin, keepsTemporaries: true });
  return await runCrane(words, { ...process.env, ...environment }, stdin);
}

function runCrane(words: readonly string[], env: NodeJS.ProcessEnv, stdin: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(pathOf("crane"), [...words], { env, stdio: ["pipe", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, out, err }));
  });
}

/** Reports a difference, which is in this document of ours. */
type Report = (path: string, ours?: string, theirs?: string, document?: string) => void;

/** The manifests and configs of a sample. */
function documentsOf(sample: Sample): string[] {
  return [textOf(sample.manifest), ...sample.blobs.slice(0, 1).map(textOf), ...sample.children.flatMap(documentsOf)];
}

/** Compares two manifests and what they name. */
class Comparison {
  readonly #report: Report;
  readonly #registry: FakeRegistry;

  constructor(report: Report, registry: FakeRegistry) {
    this.#report = report;
    this.#registry = registry;
  }

  async manifests(ours: string, theirs: string, path: string): Promise<void> {
    const [own, other] = [this.#manifest(ours), this.#manifest(theirs)];
    if (own === undefined || other === undefined) {
      if (own !== other) this.#report(`${path}manifest`, own?.text, other?.text);
      return;
    }
    if (own.mediaType !== other.mediaType) this.#report(`${path}media type`, own.mediaType, other.mediaType);
    const [ownFields, otherFields] = [JSON.parse(own.text), JSON.parse(other.text)];
    for (const [at, [digest, theirDigest]] of pairs(ownFields.manifests, otherFields.manifests)) {
      const child = (reference: string, digest: string) => `${repositoryOf(reference)}@${digest}`;
      await this.manifests(child(ours, digest), child(theirs, theirDigest), `${path}manifests[${at}]/`);
    }
    for (const [, [digest, theirDigest]] of pairs([ownFields.config], [otherFields.config])) {
      const [config, theirConfig] = [this.#blob(ours, digest), this.#blob(theirs, theirDigest)];
      for (const found of textDifferences(textOf(config), textOf(theirConfig))) {
        this.#report(`${path}config/${found.path}`, found.ours, found.theirs, textOf(config));
      }
    }
    for (const [at, [digest, theirDigest]] of pairs(ownFields.layers, otherFields.layers)) {
      const [layer, theirLayer] = [this.#blob(ours, digest), this.#blob(theirs, theirDigest)];
      await this.#layers(layer, theirLayer, `${path}layers[${at}]/content`);
    }
    for (const found of textDifferences(own.text, other.text)) {
      // The digest of what differs; that it differs is reported there.
      const follows = /^(config|(layers|manifests)\[\d+\])\.(digest|size)$/.test(found.path) && found.ours &&
        found.theirs;
      if (!follows) this.#report(`${path}${found.path}`, found.ours, found.theirs, own.text);
    }
  }

  /** Compares layers by their tars, since the compressors differ. */
  async #layers(ours: Bytes | undefined, theirs: Bytes | undefined, path: string): Promise<void> {
    if (ours === undefined || theirs === undefined) {
      if (ours !== theirs) this.#report(path, ours && "there", theirs && "there");
      return;
    }
    const [own, other] = [plain(ours), plain(theirs)];
    if (sha256(own) !== sha256(other)) this.#report(path, await listing(own), await listing(other));
  }

  #manifest(reference: string): Document | undefined {
    const name = reference.slice(repositoryOf(reference).length + 1);
    const stored = this.#registry.manifestsOf(pathIn(reference)).get(name);
    return stored && { mediaType: stored.mediaType, text: textOf(stored.bytes) };
  }

  #blob(reference: string, digest: string): Bytes | undefined {
    return this.#registry.blobsOf(pathIn(reference)).get(digest);
  }
}

/** The digests that two lists of descriptors have at the same places. */
function pairs(ours: Listed, theirs: Listed): [number, [string, string]][] {
  return (ours ?? []).flatMap((own, at) => {
    const other = theirs?.[at];
    return own && other ? [[at, [own.digest, other.digest]]] : [];
  });
}

/** Go writes a list that is empty as `null`. */
type Listed = readonly Described[] | null | undefined;
type Described = { readonly digest: string } | undefined;

/** A reference without its tag or digest. */
function repositoryOf(reference: string): string {
  return reference.replace(/(@sha256:[0-9a-f]+|:[^:/]+)$/, "");
}

/** The name of the repository on the registry. */
function pathIn(reference: string): string {
  const repository = repositoryOf(reference);
  return repository.slice(repository.indexOf("/") + 1);
}

function textOf(bytes: Bytes | undefined): string {
  return bytes === undefined ? "null" : new TextDecoder().decode(bytes);
}

function plain(bytes: Bytes): Bytes {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return new Uint8Array(gunzipSync(bytes));
  if (bytes[0] === 0x28 && bytes[1] === 0xb5) return new Uint8Array(zstdDecompressSync(bytes));
  return bytes;
}

/** The entries of a tar, one a line, with what their headers have. */
async function listing(bytes: Bytes): Promise<string> {
  const lines: string[] = [];
  for await (const { path, type, mode, uid, gid, size, mtime, linkname } of readTar(streamOf(bytes))) {
    lines.push(JSON.stringify({ path, type, mode, uid, gid, size, mtime, linkname }));
  }
  return lines.join("\n");
}
