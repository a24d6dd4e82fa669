import { denoHost, nodeModule, nodeProcess, notSupported, runtimeName } from "./host.ts";

/** Returns the value of an environment variable, or `undefined` if it is not set or may not be read. */
export function environmentVariable(name: string): string | undefined {
  const deno = denoHost();
  if (deno === undefined) return nodeProcess()?.env?.[name];
  try {
    return deno.env.get(name);
  } catch {
    // Deno lacks the permission to read it, which is treated as an unset variable.
    return undefined;
  }
}

/** Returns an environment variable as {@linkcode environmentVariable} does, but never has Deno ask its user. */
export function grantedVariable(name: string): string | undefined {
  return isGranted({ name: "env", variable: name }) ? environmentVariable(name) : undefined;
}

/** Returns whether a file may be read without Deno asking its user. */
export function mayRead(path: string): boolean {
  return isGranted({ name: "read", path });
}

/** Returns whether a file may be written without Deno asking its user. */
export function mayWrite(path: string): boolean {
  return isGranted({ name: "write", path });
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  const deno = denoHost();
  return deno === undefined || deno.permissions.querySync(permission).state === "granted";
}

/** Returns the arguments after the program's name. */
export function commandLineArguments(): string[] {
  const deno = denoHost();
  return deno === undefined ? nodeProcess()?.argv?.slice(2) ?? [] : [...deno.args];
}

/**
 * Returns the names that this process was started by, without folders and extensions: the one of the program and the one
 * of its script. A runtime may resolve links first, and then gives the name of the file.
 */
export function programNames(): string[] {
  const paths = (denoNames() ?? [nodeProcess()?.argv0, nodeProcess()?.argv?.[1]])
    .filter((path) => typeof path === "string");
  return paths.map((path) => path.replace(/^.*[/\\]/, "").replace(/\.(?:exe|cmd|[mc]?[jt]s)$/i, ""));
}

/** Returns the program's name and its script on Deno on Linux, without node's `process`, whose first access is slow. */
function denoNames(): string[] | undefined {
  const deno = denoHost();
  if (deno?.build.os !== "linux" || !mayRead("/proc/self/cmdline")) return undefined;
  try {
    return [deno.readTextFileSync("/proc/self/cmdline").split("\0")[0], decodeURI(deno.mainModule)];
  } catch {
    // Deno protects /proc unless it allows everything.
    return undefined;
  }
}

/** Returns the user's home directory, if there is one. */
export function homeDirectory(): string | undefined {
  const fromEnvironment = platformOs() === "windows" ? environmentVariable("USERPROFILE") : environmentVariable("HOME");
  if (fromEnvironment) return fromEnvironment;
  try {
    return nodeModule("node:os")?.homedir() || undefined;
  } catch {
    // The account has no entry in the user database.
    return undefined;
  }
}

/** Returns the directory for temporary files. */
export function temporaryRoot(): string {
  for (const name of ["TMPDIR", "TMP", "TEMP"]) {
    const path = environmentVariable(name);
    if (path) return path;
  }
  return platformOs() === "windows" ? "C:\\Windows\\Temp" : "/tmp";
}

/** Returns the current directory, or `/` if there is none. */
export function currentDirectory(): string {
  return denoHost()?.cwd() ?? nodeProcess()?.cwd?.() ?? "/";
}

/** Returns the operating system: `linux`, `darwin`, `windows`, …, or `web` if it is unknown. */
export function platformOs(): string {
  const name = denoHost()?.build.os ?? nodeProcess()?.platform ?? "web";
  return name === "win32" ? "windows" : name;
}

/** Returns the numeric id of the user of this process, if the system has such ids. */
export function userId(): number | undefined {
  const deno = denoHost();
  return (deno === undefined ? nodeProcess()?.getuid?.() : deno.uid()) ?? undefined;
}

/** Ends the program immediately. */
export function exit(code: number): never {
  const host = denoHost() ?? nodeProcess();
  if (host?.exit === undefined) throw notSupported("Ending the program");
  host.exit(code);
  throw new Error("unreachable: the program has ended");
}

/**
 * Calls the handler on SIGINT or SIGTERM instead of ending the program. Returns a function that removes the handler.
 */
export function onInterrupt(handler: (signal: "SIGINT" | "SIGTERM") => void): () => void {
  // Windows supports only the first of the two.
  const signals = platformOs() === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const;
  const undo = signals.map((signal) => addSignalListener(signal, () => handler(signal)));
  return () => undo.forEach((remove) => remove());
}

/**
 * Calls the handler on SIGHUP instead of ending the program, where the platform has that signal. Returns a function that
 * removes the handler.
 */
export function onHangUp(handler: () => void): () => void {
  return platformOs() === "windows" ? () => {} : addSignalListener("SIGHUP", handler);
}

/**
 * Returns whether the program was started so that it outlives its terminal, by nohup for example: then a handler would
 * end what was to go on. It is known on Linux alone, and elsewhere assumed of Bun, which goes on, while Deno and Node.js
 * end by SIGHUP in any case.
 */
export function isHangUpIgnored(): boolean {
  if (runtimeName() !== "bun") return false;
  try {
    const status = nodeModule("node:fs")!.readFileSync("/proc/self/status", "utf8");
    return (Number.parseInt(/^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(status)![1], 16) & 1) === 1;
  } catch {
    return true;
  }
}

function addSignalListener(signal: "SIGINT" | "SIGTERM" | "SIGHUP", listener: () => void): () => void {
  const deno = denoHost();
  if (deno !== undefined) {
    deno.addSignalListener(signal, listener);
    return () => deno.removeSignalListener(signal, listener);
  }
  const process = nodeProcess();
  process?.on?.(signal, listener);
  return () => void process?.off?.(signal, listener);
}

/**
 * Calls the handler with unhandled errors and rejections instead of ending the program with a stack trace. Returns a
 * function that removes the handler.
 */
export function onUnhandledError(handler: (error: unknown) => void): () => void {
  const process = denoHost() === undefined ? nodeProcess() : undefined;
  return process?.on === undefined ? listenToEvents(handler) : listenToProcess(process, handler);
}

function listenToProcess(host: typeof process, handler: (error: unknown) => void): () => void {
  host.on("unhandledRejection", handler);
  host.on("uncaughtException", handler);
  return () => {
    host.off("unhandledRejection", handler);
    host.off("uncaughtException", handler);
  };
}

function listenToEvents(handler: (error: unknown) => void): () => void {
  const names = ["unhandledrejection", "error"];
  const listener = (event: Event) => {
    event.preventDefault();
    handler("reason" in event ? event.reason : (event as ErrorEvent).error);
  };
  for (const name of names) globalThis.addEventListener?.(name, listener);
  return () => names.forEach((name) => globalThis.removeEventListener?.(name, listener));
}
