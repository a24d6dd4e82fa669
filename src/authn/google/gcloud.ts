import { AuthError } from "../../errors.ts";
import { errorCode, isObject } from "../../io/mod.ts";
import { platformOs } from "../../runtime/mod.ts";
import { momentField, parseFields, textField } from "../fields.ts";
import type { AccessToken } from "./access_token.ts";

/** Runs a program, given by its name or path, without a shell. */
export type RunProgram = (
  command: string,
  args: readonly string[],
  options: { readonly timeoutMs: number },
) => Promise<{ readonly code: number; readonly stdout: string }>;

/** Options of {@linkcode gcloudToken}. */
export interface GcloudOptions {
  /** Its name or path. */
  readonly gcloud: string;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Runs the program. */
  readonly run: RunProgram;
}

/** Prints a token that is valid for about an hour, not an older one from gcloud's cache. */
const ARGUMENTS = ["config", "config-helper", "--force-auth-refresh", "--format=json(credential)"];
const COMMAND = "gcloud config config-helper";

/**
 * Returns the token of `gcloud auth login`; `undefined` without gcloud. Errors never contain its output.
 *
 * @throws {AuthError} if it fails, takes too long, or prints no token.
 */
export async function gcloudToken({ gcloud, timeoutMs, run }: GcloudOptions): Promise<AccessToken | undefined> {
  // On Windows it is a batch file, which needs the command interpreter.
  const [command, ...args] = platformOs() === "windows"
    ? ["cmd.exe", "/d", "/s", "/c", gcloud, ...ARGUMENTS]
    : [gcloud, ...ARGUMENTS];
  const hint = "sign in with: gcloud auth login";
  let output: Awaited<ReturnType<RunProgram>>;
  try {
    output = await run(command, args, { timeoutMs });
  } catch (cause) {
    const code = errorCode(cause);
    if (code === "ENOENT" || (cause as Error)?.name === "NotSupportedError") return undefined;
    if (code === "ETIMEDOUT") throw new AuthError(`${COMMAND} took longer than ${timeoutMs} ms`, { hint });
    throw new AuthError(`can't run ${COMMAND}${code === undefined ? "" : `: ${code}`}`);
  }
  if (output.code !== 0) throw new AuthError(`${COMMAND} failed with exit code ${output.code}`, { hint });
  if (output.stdout.trim() === "") throw new AuthError(`${COMMAND} printed nothing`, { hint });
  const source = `the output of ${COMMAND}`;
  const { credential } = parseFields(output.stdout, source, { hint });
  if (!isObject(credential)) throw new AuthError(`${source}: "credential" is missing`, { hint });
  const value = textField(credential, "access_token", source);
  return { value, expiresAt: momentField(credential, "token_expiry", source) };
}
