/** Where the code runs: `web` is a browser, or anything else that has web standards only. */
export type RuntimeName = "deno" | "bun" | "node" | "workerd" | "web";

/** The modules of node that this room uses, by name. */
interface NodeModules {
  "node:child_process": typeof import("node:child_process");
  "node:crypto": typeof import("node:crypto");
  "node:fs": typeof import("node:fs");
  "node:http": typeof import("node:http");
  "node:https": typeof import("node:https");
  "node:os": typeof import("node:os");
  "node:tls": typeof import("node:tls");
  "node:tty": typeof import("node:tty");
  "node:zlib": typeof import("node:zlib");
}

const globals = globalThis as unknown as {
  Deno?: typeof Deno & { version?: { deno?: string } };
  Bun?: BunHost;
  navigator?: { userAgent?: string };
};

/** What this room uses of `Bun`. */
interface BunHost {
  /** Returns a file, here one that is open already. */
  file(descriptor: number): Blob;
}

let detected: RuntimeName | undefined;

/** Says which runtime this is. It does not touch `process` on Deno, where that alone takes 17 ms. */
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

/** `Deno`, where this is Deno. */
export function denoHost(): typeof Deno | undefined {
  return runtimeName() === "deno" ? globals.Deno : undefined;
}

/** `Bun`, where this is Bun. */
export function bunHost(): BunHost | undefined {
  return runtimeName() === "bun" ? globals.Bun : undefined;
}

/** Node's `process`, or the same object of Deno, Bun or workerd; touching it costs Deno 17 ms the first time. */
export function nodeProcess(): typeof process | undefined {
  return (globalThis as { process?: typeof process }).process;
}

const loaded = new Map<string, unknown>();

/** Returns a module of node, loaded on first use; `undefined` where there is none. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  if (!loaded.has(name)) loaded.set(name, nodeProcess()?.getBuiltinModule?.(name));
  return loaded.get(name) as NodeModules[Name] | undefined;
}

/** Returns whether a module of node is loaded already, so that using it costs no start-up time. */
export function isNodeModuleLoaded(name: keyof NodeModules): boolean {
  return loaded.has(name);
}

/** Returns a module of node, or a `NotSupportedError` that names what can't be done without it. */
export function requireNodeModule<Name extends keyof NodeModules>(name: Name, what: string): NodeModules[Name] {
  const module = nodeModule(name);
  if (module === undefined) throw notSupported(what);
  return module;
}

/** Returns the error of a capability that this runtime does not have. */
export function notSupported(what: string): Error {
  const error = new Error(`${what} is not available on this runtime (${runtimeName()})`);
  error.name = "NotSupportedError";
  return error;
}
