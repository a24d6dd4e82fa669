import { AuthError } from "../../errors.ts";
import { type CommandOutput, runCommand } from "../../runtime/mod.ts";
import { checkPem } from "./pem.ts";

/** A program that returns credentials for a cluster (Kubernetes: "client-go credential plugins"). */
export interface ExecPlugin {
  /** Its name or path. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables to add to its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The version of its protocol. */
  readonly apiVersion: string;
  /** The user of the kubeconfig with this program, for error messages. */
  readonly source: string;
  /** The instructions to install it. */
  readonly installHint?: string;
}

/** The credentials from such a program. */
export interface ExecCredentials {
  /** A bearer token. */
  readonly token?: string;
  /** The certificate of the client in PEM. */
  readonly cert?: string;
  /** The private key of `cert` in PEM. */
  readonly key?: string;
}

/** How long a plugin may take, in milliseconds: it may open a browser. */
const TIMEOUT_MS = 60_000;

/** How long before its expiry a token is no longer used, in milliseconds. */
const EXPIRY_MARGIN_MS = 10_000;

/** Returns the credentials of a plugin. They are kept until they expire, and concurrent callers share one run. */
export function execCredentials(plugin: ExecPlugin): (options: { server: string }) => Promise<ExecCredentials> {
  let current: Promise<ExecCredential> | undefined;
  return async function credentials(options): Promise<ExecCredentials> {
    const known = current;
    if (known) {
      const answer = await known.catch(() => undefined);
      if (answer && answer.expiresAt - EXPIRY_MARGIN_MS > Date.now()) return answer.credentials;
      // Another caller may have started a new run meanwhile.
      if (current !== known) return await credentials(options);
    }
    current = run(plugin, options);
    return (await current).credentials;
  };
}

interface ExecCredential {
  readonly credentials: ExecCredentials;
  /** In milliseconds since the epoch. */
  readonly expiresAt: number;
}

async function run(plugin: ExecPlugin, { server }: { server: string }): Promise<ExecCredential> {
  const { command, args, env, apiVersion, source, installHint } = plugin;
  const info = { apiVersion, kind: "ExecCredential", spec: { cluster: { server }, interactive: false } };
  let output: CommandOutput;
  try {
    output = await runCommand(command, args, {
      env: { ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      timeoutMs: TIMEOUT_MS,
      maxOutput: 1024 * 1024,
    });
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    if (code === "ENOENT") {
      throw new AuthError(`${source}: ${command} is not there`, { cause, hint: installHint ?? "install it" });
    }
    throw new AuthError(`${source}: ${code === "ETIMEDOUT" ? message : `can't run ${command}: ${code ?? message}`}`, {
      cause,
      hint: "run it by hand to see why",
    });
  }
  if (output.code !== 0) {
    throw new AuthError(`${source}: ${command} failed with exit code ${output.code}`, {
      hint: "run it by hand to see why",
    });
  }
  return credentialOf(output.stdout, `${source}: ${command}`);
}

/** Reads the program's output, which is secret and never shown. */
function credentialOf(text: string, what: string): ExecCredential {
  let status: Record<string, unknown> | undefined;
  try {
    status = JSON.parse(text)?.status;
  } catch {
    // Treated as output without a status.
  }
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status ?? {};
  const credentials = {
    ...(typeof token === "string" && token !== "" && { token }),
    ...(typeof cert === "string" && typeof key === "string" && {
      cert: checkPem(cert, "CERTIFICATE", `the clientCertificateData of ${what}`),
      key: checkPem(key, "PRIVATE KEY", `the clientKeyData of ${what}`),
    }),
  };
  if (Object.keys(credentials).length === 0) {
    throw new AuthError(`${what} did not answer with an ExecCredential that has a token or a certificate`, {
      hint: "run it by hand to see its output",
    });
  }
  const expiresAt = typeof expirationTimestamp === "string" ? Date.parse(expirationTimestamp) : NaN;
  return { credentials, expiresAt: Number.isNaN(expiresAt) ? Infinity : expiresAt };
}
