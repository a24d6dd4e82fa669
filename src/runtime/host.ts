/** The name of a runtime: `web` is a browser, or any other runtime with web standards only. */
export type RuntimeName = "deno" | "bun" | "node" | "workerd" | "web";

/** The modules of node that this room uses, by name. */
interface NodeModules {
  "node:child_process": typeof import("node:child_process");
  "node:crypto": typeof import("node:crypto");
  "node:dns/promises": typeof import("node:dns/promises");
  "node:fs": typeof import("node:fs");
  "node:http": typeof import("node:http");
  "node:https": typeof import("node:https");
  "node:net": typeof import("node:net");
  "node:os": typeof import("node:os");
  "node:tls": typeof import("node:tls");
  "node:tty": typeof import("node:tty");
  "node:worker_threads": typeof import("node:worker_threads");
  "node:zlib": typeof import("node:zlib");
}

const globals = globalThis as unknown as {
  Deno?: typeof Deno & { version?: { deno?: string } };
  Bun?: BunHost;
  navigator?: { userAgent?: string };
};

/** The part of `Bun` that this room uses. */
interface BunHost {
  /** Returns a file, here by an open descriptor. */
  file(descriptor: number): Blob;
  /** Writes the body of a response into a file, from the file's position on. */
  write(file: Blob, response: Response): Promise<number>;
}

let detected: RuntimeName | undefined;

/** Detects the runtime. Does not touch `process` on Deno, where the first access takes 17 ms. */
export function runtimeName(): RuntimeName {
  return detected ??= detect();
}

function detect(): RuntimeName {
  if (globals.Deno?.version?.deno !== undefined) return "deno";
  if (globals.navigator?.userAgent === "Cloudflare-Workers") return "workerd";
  const versions = nodeProcess()?.versions;
  if (versions?.bun !== undefined) return "bun";
  return versions?.node === undefined ? "web" : "node";
}

/** Returns `Deno` if this is Deno. */
export function denoHost(): typeof Deno | undefined {
  return runtimeName() === "deno" ? globals.Deno : undefined;
}

/** Returns `Bun` if this is Bun. */
export function bunHost(): BunHost | undefined {
  return runtimeName() === "bun" ? globals.Bun : undefined;
}

/** Returns node's `process`, or the same object of Deno, Bun or workerd. The first access takes 17 ms on Deno. */
export function nodeProcess(): typeof process | undefined {
  return (globalThis as { process?: typeof process }).process;
}

const loaded = new Map<string, unknown>();

/** Returns a module of node, loaded on first use, or `undefined` if there is none. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  if (!loaded.has(name)) loaded.set(name, nodeProcess()?.getBuiltinModule?.(name));
  return loaded.get(name) as NodeModules[Name] | undefined;
}

/** Returns whether a module of node is loaded already, so that its use adds no start-up time. */
export function isNodeModuleLoaded(name: keyof NodeModules): boolean {
  return loaded.has(name);
}

/** Returns a module of node, or throws a `NotSupportedError` that names the missing feature. */
export function requireNodeModule<Name extends keyof NodeModules>(name: Name, what: string): NodeModules[Name] {
  const module = nodeModule(name);
  if (module === undefined) throw notSupported(what);
  return module;
}

/** Creates the error for a feature that this runtime lacks. */
export function notSupported(what: string): Error {
  const error = new Error(`${what} is not available on this runtime (${runtimeName()})`);
  error.name = "NotSupportedError";
  return error;
}
