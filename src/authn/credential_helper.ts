import { AuthError } from "../errors.ts";
import { type AbortOptions, errorCode, isObject } from "../io/mod.ts";
import { type CommandOutput, runCommand, type RunCommandOptions } from "../runtime/mod.ts";
import type { AuthConfig } from "./auth_config.ts";
import type { Fields } from "./fields.ts";

/** The credentials of a server in a credential helper. */
export interface HelperCredentials {
  /** The name; `<token>` means that the secret is an identity token. */
  readonly username: string;
  /** The password or the identity token. */
  readonly secret: string;
}

/** A program, or another object, that stores credentials by server. */
export interface CredentialHelper {
  /** Returns the credentials for a server, or `undefined`. */
  get(server: string, options?: AbortOptions): Promise<HelperCredentials | undefined>;
  /** Stores credentials for a server. */
  store(server: string, credentials: HelperCredentials, options?: AbortOptions): Promise<void>;
  /** Removes the credentials for a server, if there are any. */
  erase(server: string, options?: AbortOptions): Promise<void>;
  /** Returns the user names by server. */
  list(options?: AbortOptions): Promise<Readonly<Record<string, string>>>;
}

/** Options of {@linkcode credentialHelper}. */
export interface CredentialHelperOptions {
  /**
   * How long the program may take, in milliseconds; 0 for no limit, as where it may ask the user for a password.
   * @default 30000
   */
  timeoutMs?: number;
  /**
   * Called once for a program that has not ended after `slowMs`, with a line that names it.
   * @default not called
   */
  onSlow?: (message: string) => void;
  /**
   * When `onSlow` is called, in milliseconds.
   * @default 5000
   */
  slowMs?: number;
  /**
   * Returns the value of an environment variable: `PATH`, which leads to the program.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
}

type Verb = "get" | "store" | "erase" | "list";

const NAME = /^[A-Za-z0-9._-]+$/;
/** In bytes: a list may name many servers. */
const LONGEST_OUTPUT = 1024 * 1024;
const NOT_FOUND = "credentials not found in native keychain";
const IDENTITY_TOKEN_USER = "<token>";

/**
 * The credential helper `docker-credential-<name>` on the `PATH`, run without a shell. It reads secrets from standard
 * input. Its output is never shown in an error.
 *
 * @param name letters, digits, `-`, `_` and `.`: `osxkeychain`, `ecr-login`.
 * @throws {AuthError} if the name has another character. The methods throw it if the program is missing, fails, takes
 * too long, or does not follow the protocol of docker-credential-helpers.
 */
export function credentialHelper(name: string, options: CredentialHelperOptions = {}): CredentialHelper {
  const { timeoutMs = 30_000, onSlow, slowMs = 5000, environment } = options;
  if (!NAME.test(name)) {
    throw new AuthError(`${JSON.stringify(name)} can't be the name of a credential helper`, {
      hint: "a name has letters, digits, - _ and . only",
    });
  }
  const program = `docker-credential-${name}`;

  /** Returns the standard output; `undefined` if the program has no such credentials. */
  const run = async (verb: Verb, input: string, signal: AbortSignal | undefined): Promise<string | undefined> => {
    const timer = onSlow && setTimeout(() => onSlow(`still waiting for ${program} ${verb}`), slowMs);
    const path = environment?.("PATH");
    const env = path === undefined ? undefined : { PATH: path };
    const { code, stdout } = await start(program, verb, { input, timeoutMs: timeoutMs || Infinity, signal, env })
      .finally(() => clearTimeout(timer));
    if (code === 0) return stdout;
    if (stdout.trim() === NOT_FOUND) return undefined;
    throw new AuthError(`${program} ${verb} failed with exit code ${code}`, {
      hint: `run it by hand to see why: echo SERVER | ${program} ${verb}`,
    });
  };

  return {
    async get(server, { signal } = {}) {
      const answer = await run("get", server, signal);
      return answer === undefined ? undefined : parseCredentials(answer, program);
    },
    async store(server, { username, secret }, { signal } = {}) {
      await run("store", JSON.stringify({ ServerURL: server, Username: username, Secret: secret }), signal);
    },
    async erase(server, { signal } = {}) {
      await run("erase", server, signal);
    },
    async list({ signal } = {}) {
      // The protocol has no input for this, but some helpers wait for one.
      return parseList(await run("list", "unused", signal) ?? "{}", program);
    },
  };
}

/** Runs the program to its end and returns its output, with any exit code. */
async function start(program: string, verb: Verb, options: RunCommandOptions): Promise<CommandOutput> {
  try {
    return await runCommand(program, [verb], { ...options, maxOutput: LONGEST_OUTPUT });
  } catch (cause) {
    options.signal?.throwIfAborted();
    const { code, message } = cause as { code?: string; message: string };
    if (code === "ENOENT") {
      throw new AuthError(`${program} is not on the PATH`, {
        cause,
        hint: "install it, or take it out of credHelpers and credsStore in docker's config file",
      });
    }
    if (code === "ETIMEDOUT") {
      throw new AuthError(`${program} ${verb} took longer than ${shownTime(options.timeoutMs!)}`, {
        cause,
        hint: "it may be waiting for an answer: run it by hand",
      });
    }
    throw new AuthError(`can't run ${program} ${verb}: ${code ?? message}`, { cause });
  }
}

function shownTime(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** Returns whether an error is that of a program that took too long. */
export function isHelperTimeout(error: unknown): boolean {
  return error instanceof AuthError && errorCode(error.cause) === "ETIMEDOUT";
}

/** Converts the credentials of a helper. */
export function authFromHelper({ username, secret }: HelperCredentials): AuthConfig {
  return username === IDENTITY_TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

/**
 * Converts credentials for a helper.
 *
 * @param config a config without `auth`, as authenticators return it.
 */
export function authToHelper(config: AuthConfig): HelperCredentials {
  if (config.identityToken) return { username: IDENTITY_TOKEN_USER, secret: config.identityToken };
  return { username: config.username ?? "", secret: config.password ?? "" };
}

function parseCredentials(answer: string, program: string): HelperCredentials | undefined {
  const { Username: username = "", Secret: secret = "" } = parseObject(answer, program, "get");
  if (typeof username !== "string" || typeof secret !== "string") throw notTheProtocol(program, "get");
  return username === "" && secret === "" ? undefined : { username, secret };
}

function parseList(answer: string, program: string): Readonly<Record<string, string>> {
  const users = parseObject(answer, program, "list");
  if (!Object.values(users).every((user) => typeof user === "string")) throw notTheProtocol(program, "list");
  return users as Record<string, string>;
}

function parseObject(answer: string, program: string, verb: Verb): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    // No cause: it quotes the answer.
    throw notTheProtocol(program, verb);
  }
  if (!isObject(parsed)) throw notTheProtocol(program, verb);
  return parsed;
}

function notTheProtocol(program: string, verb: Verb): AuthError {
  return new AuthError(`${program} ${verb} did not answer with credentials in JSON`, {
    hint: `run it by hand to see its output: echo SERVER | ${program} ${verb}`,
  });
}
