// The real @std/tar, which npm's deno-std lacks: of the registry that JSR_URL names, as Deno alone loads it.

import { describe, it } from "node:test";
import process from "node:process";
import type { Bytes, TarStreamHeader, TarStreamInput } from "../../src/tar/mod.ts";

/** An entry in the shape of `@std/tar`. */
export interface StdEntry {
  path: string;
  header: TarStreamHeader;
  readable?: ReadableStream<Uint8Array>;
}

/** What `@std/tar` and our room have in common. */
export interface TarStreams {
  TarStream: new () => TransformStream<TarStreamInput, Bytes>;
  UntarStream: new () => TransformStream<Bytes, StdEntry>;
}

const SPECIFIER = "jsr:@std/tar@^0.1";

/** Loads `@std/tar`; `undefined` where there is none to load. */
export async function loadStdTar(): Promise<TarStreams | undefined> {
  return isHere() ? await import(SPECIFIER) : undefined;
}

/** Declares a suite that needs `@std/tar`; without it, one skipped test with the reason. */
export function describeStdTar(name: string, tests: () => void): void {
  if (isHere()) describe(name, tests);
  else it(`${name} [peer absent: @std/tar, for JSR_URL is not set or this is not Deno]`, { skip: true }, () => {});
}

function isHere(): boolean {
  return process.env.JSR_URL !== undefined && "Deno" in globalThis;
}
