// What a client does with the registry that changes its answers, as a call and as a line of the program, and what has
// to hold afterwards.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { collectGarbage, copyRecursively, type CopyRecursivelyOptions } from "../../gcr/mod.ts";
import * as crane from "../../src/crane/mod.ts";
import { digestOf } from "../fakes/mod.ts";
import { type Content, incomplete, type MutatingServer } from "./registry_world.ts";

/** Where a case takes place. */
export interface Place {
  readonly content: Content;
  /** The server that changes its answers, with the whole content. */
  readonly server: MutatingServer;
  /** One that does not; `plain/` has the whole content, and `mirror/` too. */
  readonly plain: MutatingServer;
  /** A folder of the case's own. */
  readonly folder: string;
}

/** One operation. */
export interface Operation {
  /** The repositories of the plain server that it needs. */
  readonly needs?: "plain/" | "mirror/";
  /** The words of the program. */
  words(place: Place): string[];
  /** Does the same by the library, and returns what the program would print. */
  call(place: Place, options: crane.CraneOptions): Promise<Uint8Array | string | void>;
  /** What has to hold after success: returns what is wrong. */
  check?(place: Place, output: string): Promise<string[]> | string[];
  /** What has to hold in any case. */
  always?(place: Place): Promise<string[]>;
}

const at = ({ host }: MutatingServer, path: string) => `${host}/${path}`;
const v1 = ({ content }: Place) => content.tags.get("v1")!;
const multi = ({ content }: Place) => content.tags.get("multi")!;

/** Reads all of a list. */
async function lines(list: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const line of list) text += `${line}\n`;
  return text;
}

/** Throws the first failure of a copy, as the program does with the number of them. */
async function mirror(from: string, to: string, options: CopyRecursivelyOptions): Promise<void> {
  const { failures } = await copyRecursively(from, to, { ...options, extra: "delete" });
  if (failures.length > 0) throw failures[0].error;
}

const same = (output: string, bytes: Uint8Array): string[] =>
  output.trimEnd() === new TextDecoder().decode(bytes).trimEnd() ? [] : ["the output is not the content of the digest"];

/** The operations. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ls: {
    words: ({ server }) => ["ls", at(server, "team/app")],
    call: ({ server }, options) => lines(crane.list(at(server, "team/app"), { ...options, pageSize: 2 })),
    check: ({ server, content }, output) =>
      server.lied || [...content.tags.keys()].every((tag) => output.includes(tag))
        ? []
        : [`tags are missing: ${output}`],
  },
  catalog: {
    words: ({ server }) => ["catalog", server.host],
    call: ({ server }, options) => lines(crane.catalog(server.host, options)),
    check: ({ server }, output) =>
      server.lied || (output.includes("team/app") && output.includes("team/lib")) ? [] : [`repositories: ${output}`],
  },
  digest: {
    words: ({ server }) => ["digest", at(server, "team/app:v1")],
    call: ({ server }, options) => crane.digest(at(server, "team/app:v1"), options),
    check: (place, output) => place.server.lied || output.trim() === v1(place) ? [] : [`the digest is ${output}`],
  },
  manifest: {
    words: (place) => ["manifest", at(place.server, `team/app@${multi(place)}`)],
    call: (place, options) => crane.manifest(at(place.server, `team/app@${multi(place)}`), options),
    check: (place, output) => same(output, place.content.bytesOf(multi(place))),
  },
  config: {
    words: (place) => ["config", at(place.server, `team/app@${v1(place)}`)],
    call: (place, options) => crane.config(at(place.server, `team/app@${v1(place)}`), options),
    check: ({ content, ...place }, output) => {
      const { config } = JSON.parse(new TextDecoder().decode(content.bytesOf(v1({ content, ...place }))));
      return same(output, content.puts.find(({ name }) => name === config.digest)!.bytes);
    },
  },
  copy: {
    words: (place) => ["copy", at(place.server, `team/app@${multi(place)}`), at(place.plain, "copy/app:multi")],
    call: (place, options) =>
      crane.copy(at(place.server, `team/app@${multi(place)}`), at(place.plain, "copy/app:multi"), options),
    check: (place) => incomplete(place.plain.registry, "copy/app", multi(place)),
  },
  "copy to it": {
    needs: "plain/",
    words: ({ plain, server }) => ["copy", at(plain, "plain/team/app:v2"), at(server, "copy/app:v2")],
    call: ({ plain, server }, options) =>
      crane.copy(at(plain, "plain/team/app:v2"), at(server, "copy/app:v2"), options),
  },
  "copy within it": {
    words: ({ server }) => ["copy", "--with-referrers", at(server, "team/app:v1"), at(server, "other/app:v1")],
    call: ({ server }, options) =>
      crane.copy(at(server, "team/app:v1"), at(server, "other/app:v1"), { ...options, withReferrers: true }),
  },
  "copy -a": {
    words: ({ server, plain }) => ["copy", "-a", at(server, "team/app"), at(plain, "copy/app")],
    call: ({ server, plain }, options) =>
      crane.copyRepository(at(server, "team/app"), at(plain, "copy/app"), options).then(() => {}),
    check: async ({ server, plain, content }) => {
      const missing: string[] = [];
      if (server.lied) return missing;
      for (const digest of content.tags.values()) missing.push(...await incomplete(plain.registry, "copy/app", digest));
      return missing;
    },
  },
  "copy -r to a mirror": {
    needs: "mirror/",
    words: (
      { server, plain },
    ) => ["copy", "-r", "--delete-extra", "--yes", at(server, "team"), at(plain, "mirror/team")],
    call: ({ server, plain }, options) => mirror(at(server, "team"), at(plain, "mirror/team"), options),
    always: async ({ server, plain, content }) =>
      server.lied ? [] : await content.missing(plain.registry, { prefix: "mirror/" }),
  },
  "copy -r to it": {
    needs: "plain/",
    words: (
      { server, plain },
    ) => ["copy", "-r", "--delete-extra", "--yes", at(plain, "plain/team"), at(server, "team")],
    call: ({ server, plain }, options) => mirror(at(plain, "plain/team"), at(server, "team"), options),
    always: async ({ server, content }) => await content.missing(server.registry),
  },
  "pull to a tarball": {
    words: (place) => ["pull", at(place.server, `team/app@${v1(place)}`), join(place.folder, "out.tar")],
    call: (place, options) =>
      crane.saveTarball([at(place.server, `team/app@${v1(place)}`)], join(place.folder, "out.tar"), options),
    check: async ({ folder }) => {
      await crane.validateTarball(join(folder, "out.tar"));
      return [];
    },
  },
  "pull to a layout": {
    words: (
      place,
    ) => ["pull", "--format", "oci", at(place.server, `team/app@${multi(place)}`), join(place.folder, "layout")],
    call: (place, options) =>
      crane.saveLayout([at(place.server, `team/app@${multi(place)}`)], join(place.folder, "layout"), options),
    check: (place) => {
      const index = readFileSync(join(place.folder, "layout", "index.json"), "utf8");
      const blobs = new Set(readdirSync(join(place.folder, "layout", "blobs", "sha256")));
      return index.includes(multi(place)) && blobs.has(multi(place).slice("sha256:".length)) ? [] : ["it is not there"];
    },
  },
  push: {
    needs: "plain/",
    words: ({ plain, server }) => ["copy", at(plain, "plain/team/lib:v1"), at(server, "pushed/app:v1")],
    call: async ({ plain, server }, options) =>
      void await crane.push(
        await crane.pull(at(plain, "plain/team/lib:v1"), options),
        at(server, "pushed/app:v1"),
        options,
      ),
  },
  validate: {
    words: ({ server }) => ["validate", at(server, "team/app:multi")],
    call: ({ server }, options) => crane.validate(at(server, "team/app:multi"), options),
  },
  tree: {
    words: ({ server }) => ["tree", at(server, "team/app:v1")],
    call: async ({ server }, options) => JSON.stringify(await crane.tree(at(server, "team/app:v1"), options)),
  },
  export: {
    words: ({ server }) => ["export", at(server, "team/app:v1"), "-"],
    call: async ({ server }, options) => {
      const image = await crane.pull(at(server, "team/app:v1"), options);
      await new Response(crane.extract(image)).arrayBuffer();
    },
  },
  delete: {
    words: (place) => ["delete", at(place.server, "team/app:v2")],
    call: ({ server }, options) => crane.remove(at(server, "team/app:v2"), options),
    always: async ({ server, content }) =>
      await content.missing(server.registry, { except: ["v2", content.tags.get("v2")!] }),
  },
  gc: {
    words: ({ server }) => ["gc", "-r", "--delete", "--grace", "0s", at(server, "team")],
    call: async ({ server }, options) => {
      const failures: unknown[] = [];
      await collectGarbage(at(server, "team"), {
        ...options,
        recursive: true,
        delete: true,
        rules: { grace: 0 },
        onEvent: (event) => void (event.kind === "failed" && failures.push(event.error)),
      });
      if (failures.length > 0) throw failures[0];
    },
    always: async ({ server, content }) =>
      server.lied ? [] : await content.missing(server.registry, { except: [content.garbage] }),
  },
};

/** Returns what a case left in its folder that is half-written, or that is there after a failure. */
export function remains(folder: string, succeeded: boolean): string[] {
  const wrong: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    if (entry.name === "out.tar" && succeeded) continue;
    if (entry.name === "index.json" || entry.name === "oci-layout") {
      JSON.parse(readFileSync(path, "utf8"));
      continue;
    }
    if (/^[0-9a-f]{64}$/.test(entry.name) && digestOf(readFileSync(path)) === `sha256:${entry.name}`) continue;
    wrong.push(`the file ${entry.name} stays`);
  }
  return existsSync(folder) ? wrong : ["the folder is gone"];
}
