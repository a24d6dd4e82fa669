// The rules on imports. Each returns a line for each place that breaks it.

import { posix } from "node:path";
import { type Import, importsOf } from "./imports.ts";
import { type Token, tokens } from "./lexer.ts";
import type { Tree } from "./tree.ts";

/** Rooms in tiers, from left to right; a room may import those of the tiers before its own. */
export type Tiers = readonly (readonly string[])[];

/** Reads the tiers from ARCHITECTURE.md: the lines of its block that is marked as `rooms`. */
export function readTiers(markdown: string): Tiers {
  const block = /^```rooms\n([^]*?)^```$/m.exec(markdown)?.[1];
  if (block === undefined) throw new Error("ARCHITECTURE.md has no block ```rooms, which says what may import what");
  return block.trimEnd().split("\n").map((line) => line.split(",").map((room) => room.trim()));
}

/** Rooms of one file. */
const SINGLE_FILES: ReadonlySet<string> = new Set(["src/errors.ts", "src/version.ts", "mod.ts"]);

/**
 * Where others may enter a room: its `mod.ts` and `internal.ts`, which holds what the package does not export, and in
 * authn also those of each cloud's folder.
 */
const ENTRY = /^((src\/)?[^/]+|src\/authn\/[^/]+)\/(mod|internal)\.ts$/;

/** The room that a file is in: `src/name/parse.ts` is in `name`, `src/errors.ts` is `errors`, `mod.ts` is itself. */
export function roomOf(path: string): string {
  const [first, second] = path.split("/");
  return first === "src" ? second.replace(/\.tsx?$/, "") : first;
}

interface Edge extends Import {
  from: string;
  /** The path of the file that is imported, or `undefined` where it is none of the package's. */
  to: string | undefined;
}

function edges(sources: Tree): Edge[] {
  return [...sources].flatMap(([from, source]) =>
    importsOf(source).map((it) => ({
      ...it,
      from,
      to: it.specifier?.startsWith(".") ? posix.join(posix.dirname(from), it.specifier) : undefined,
    }))
  );
}

/** Import leftwards only, never within a tier, across rooms through the room's `mod.ts`. */
export function tierViolations(sources: Tree, tiers: Tiers): string[] {
  const tier = (room: string) => tiers.findIndex((rooms) => rooms.includes(room));
  const unknown = [...sources.keys()].filter((path) => tier(roomOf(path)) === -1);
  const found = unknown.map((path) => `${path}: the room "${roomOf(path)}" is in no tier`);
  for (const { from, to, specifier, kind } of edges(sources)) {
    if (specifier === undefined && roomOf(from) !== "runtime") {
      found.push(`${from}: a computed import(), which no rule can judge`);
    } else if (specifier?.startsWith("@gcrane/")) {
      found.push(`${from}: imports ${specifier} by the package's own name`);
    }
    if (to === undefined || roomOf(to) === roomOf(from)) continue;
    const [left, right] = [tier(roomOf(to)), tier(roomOf(from))];
    if (left === right) found.push(`${from}: imports ${to}, a room of its own tier`);
    if (left > right) found.push(`${from}: imports ${to}, which is to its right`);
    if (to === "mod.ts" && kind !== "type") found.push(`${from}: imports mod.ts, and so loads everything`);
    if (!SINGLE_FILES.has(to) && !ENTRY.test(to)) {
      found.push(`${from}: imports ${to} past the room's mod.ts`);
    }
  }
  return found;
}

/** Files that import one another in a ring, types included; each ring once. */
export function importCycles(sources: Tree): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges(sources)) {
    if (to !== undefined && sources.has(to)) targets.set(from, [...targets.get(from) ?? [], to]);
  }
  const done = new Set<string>();
  const trail: string[] = [];
  const found: string[] = [];
  const visit = (path: string) => {
    const start = trail.indexOf(path);
    if (start !== -1) found.push([...trail.slice(start), path].join(" -> "));
    if (start !== -1 || done.has(path)) return;
    trail.push(path);
    targets.get(path)?.forEach(visit);
    trail.pop();
    done.add(path);
  };
  [...sources.keys()].forEach(visit);
  return found;
}

const RUNTIME_NAMES = new Set(["Deno", "Bun", "process", "Buffer", "require", "__dirname", "__filename"]);

/** Only src/runtime names a runtime, and no file imports `node:` statically. */
export function runtimeViolations(sources: Tree): string[] {
  const found: string[] = [];
  for (const [path, source] of sources) {
    const all = tokens(source);
    const ofNode = importsOf(all).filter(({ specifier }) => specifier?.startsWith("node:"));
    if (roomOf(path) === "runtime") {
      found.push(
        ...ofNode.filter(({ kind }) => kind !== "type").map(({ specifier, kind }) => `${path}: ${kind} ${specifier}`),
      );
      continue;
    }
    all.forEach(({ kind, value }, at) => {
      const before = all[at - 1]?.value === "." ? all[at - 2]?.value : undefined;
      const ownProperty = before !== undefined && before !== "globalThis" || isKey(all, at);
      if (kind === "name" && RUNTIME_NAMES.has(value) && !ownProperty) found.push(`${path}: names ${value}`);
      if (kind === "text" && value.startsWith("node:")) found.push(`${path}: names ${value}`);
    });
  }
  return found;
}

/** Whether a name is the key of an object literal. A pattern's key counts as a use: it may take apart `globalThis`. */
function isKey(all: readonly Token[], at: number): boolean {
  if (all[at + 1]?.value !== ":" || !["{", ","].includes(all[at - 1]?.value)) return false;
  let depth = 1;
  let end = at;
  while (depth > 0 && ++end < all.length) {
    if (all[end].kind !== "text") depth += all[end].value === "{" ? 1 : all[end].value === "}" ? -1 : 0;
  }
  return all[end + 1]?.value !== "=";
}

/** Only src/registry imports hono, and mod.ts does not reach it. */
export function honoViolations(sources: Tree): string[] {
  const all = edges(sources);
  const found = all
    .filter(({ from, specifier }) => /^hono(\/|$)/.test(specifier ?? "") && roomOf(from) !== "registry")
    .map(({ from, specifier }) => `${from}: imports ${specifier}`);
  return found.concat(
    [...reachedFrom("mod.ts", all)].filter((path) => roomOf(path) === "registry").map((path) =>
      `mod.ts reaches ${path}`
    ),
  );
}

/** The code of a cloud's keychain is loaded only by an import of its own entry. */
export function cloudViolations(sources: Tree): string[] {
  const all = edges(sources);
  return ["mod.ts", "src/authn/mod.ts"].flatMap((start) =>
    [...reachedFrom(start, all)].filter((path) => /^src\/authn\/[^/]+\//.test(path)).map((path) =>
      `${start} reaches ${path}`
    )
  );
}

function reachedFrom(start: string, all: readonly Edge[]): Set<string> {
  const reached = new Set([start]);
  for (const path of reached) {
    for (const { from, to } of all) if (from === path && to !== undefined) reached.add(to);
  }
  return reached;
}

/** An `internal.ts` is not among the exports of the package, nor does a module that is pass it on. */
export function internalViolations(sources: Tree, exported: readonly string[]): string[] {
  const isInternal = (path: string | undefined) => path !== undefined && /(^|\/)internal\.ts$/.test(path);
  const passed = edges(sources).filter(({ from, to }) => exported.includes(from) && isInternal(to));
  return [
    ...exported.filter(isInternal).map((path) => `deno.json exports ${path}`),
    ...passed.map(({ from, to }) => `${from}: imports ${to}`),
  ];
}

/** Bare imports must be among those that the configuration maps. */
export function unmappedImports(tree: Tree, mapped: readonly string[]): string[] {
  return edges(tree)
    .filter(({ specifier }) => specifier !== undefined && !/^(\.|node:)/.test(specifier))
    .filter(({ specifier }) => !mapped.some((name) => specifier === name || specifier?.startsWith(`${name}/`)))
    .map(({ from, specifier }) => `${from}: imports ${specifier}, which deno.json does not map`);
}

/** The folders of test/ that others may import from: what tests make, stand-ins, contracts, other programs. */
const SHARED_BY_TESTS = ["make", "fakes", "contracts", "peers", "project"];

/** A folder of tests imports from itself and from the shared ones, and those from each other alone. */
export function testFolderViolations(tree: Tree): string[] {
  const folder = (path: string) => /^test\/([^/]+)\//.exec(path)?.[1];
  return edges(tree)
    .filter(({ from, to = "" }) => from !== "test/run.ts" && folder(from) && folder(to) && folder(from) !== folder(to))
    .filter(({ to }) => !SHARED_BY_TESTS.includes(folder(to!)!))
    .map(({ from, to }) => `${from}: imports ${to}: what several folders need belongs into test/make or test/fakes`);
}
