import { AuthError, NetworkError } from "../../errors.ts";
import { ask, fetchFor, networkError, plainText, readBody, TimeLimitError, userAgent } from "../../http/mod.ts";
import { type AbortOptions, isHeaderText, jsonObject, type RetryOptions } from "../../io/mod.ts";

/** The connection to the API server of a cluster, with its credentials. */
export interface ClusterConnection {
  /** The URL of the API server; it may have a path. */
  readonly server: string;
  /** The certificates of the server's authorities, in PEM. */
  readonly ca?: string;
  /** The certificate of the client in PEM. */
  readonly cert?: string;
  /** The private key of `cert` in PEM. */
  readonly key?: string;
  /** Whether to accept any certificate of the server. */
  readonly insecure?: boolean;
  /** The value of the authorization header. */
  readonly authorization?: string;
  /** The default namespace. */
  readonly namespace?: string;
  /** The hint for a server that rejects the credentials. */
  readonly unauthorizedHint?: string;
}

/** Options of {@linkcode apiGet}. */
export interface ApiGetOptions extends AbortOptions {
  /**
   * Sends requests. A custom `fetch` needs its own certificates.
   * @default created for the certificates of the connection
   */
  fetch?: typeof fetch;
  /**
   * How long one request may take, in milliseconds.
   * @default 10000
   */
  timeoutMs?: number;
  /**
   * The retries of requests that failed for a passing reason.
   * @default three attempts, with growing waits
   */
  retry?: Omit<RetryOptions, "signal">;
}

/** In bytes: an object in Kubernetes has at most 1.5 MiB, in base64 2 MiB. */
const LONGEST_OBJECT = 8 * 1024 * 1024;

/**
 * Requests one object from the API; returns `undefined` if there is none of that name.
 *
 * @throws {AuthError} if the API refuses or the response is not an object.
 * @throws {NetworkError} if there is no response, or the server is not available.
 */
export async function apiGet(
  connection: ClusterConnection,
  path: string,
  options: ApiGetOptions = {},
): Promise<object | undefined> {
  const { ca, cert, key, insecure, authorization, unauthorizedHint: hint } = connection;
  const { fetch = fetchFor({ ca, cert, key, insecureTls: insecure }), timeoutMs = 10_000, retry, signal } = options;
  const server = connection.server.replace(/\/+$/, "");
  const place = `the Kubernetes API at ${hostOf(server)}`;
  if (authorization && !isHeaderText(authorization)) {
    throw new AuthError(`the credentials for ${place} have characters that no header can carry`, { hint });
  }
  const headers = {
    accept: "application/json",
    "user-agent": userAgent(),
    // Redirects are not followed, so the token goes to this server only.
    ...(authorization && { authorization }),
  };
  // A bad certificate is not fixed within a second.
  const verdict = (error: unknown) => error instanceof NetworkError && error.reason !== "untrusted" && {};
  return await ask({ method: "GET", url: server + path, headers }, {
    fetch,
    limitMs: timeoutMs,
    failed: (cause) => unreachable(cause, { place, timeoutMs }),
    retry: { attempts: 3, ...retry, verdict },
    signal,
  }, async (response, signal) => {
    const limits = { limit: LONGEST_OBJECT, what: `the answer of ${place}`, stallMs: 0, signal };
    const body = new TextDecoder().decode(await readBody(response, limits));
    return judge(response.status, body, { connection, path, place });
  });
}

interface Asked {
  readonly connection: ClusterConnection;
  readonly path: string;
  readonly place: string;
}

/** Returns the object in a response; `undefined` if there is none. */
function judge(status: number, body: string, { connection, path, place }: Asked): object | undefined {
  const object = jsonObject(body);
  // A proxy or another server may answer 404 too, but without a "Status" object of Kubernetes.
  if (status === 404 && object?.kind === "Status") return undefined;
  if (status === 200) {
    if (object !== undefined && object.kind !== "Status") return object;
    throw new AuthError(`${place} answers ${path} with something other than JSON`, { hint: SERVER_HINT });
  }
  const said = typeof object?.message === "string" ? `: ${plainText(object.message)}` : "";
  if (status === 401) {
    throw new AuthError(`${place} rejects the credentials for ${path} (401)${said}`, {
      hint: connection.unauthorizedHint ?? "its token may have expired",
    });
  }
  if (status === 403) {
    throw new AuthError(`${place} forbids reading ${path} (403)${said}`, {
      hint: "give the account a role with the verb get on secrets and serviceaccounts in that namespace",
    });
  }
  if (status === 429 || status >= 500) throw new NetworkError(`${place} answers ${path} with ${status}${said}`);
  throw new AuthError(`${place} answers ${path} with ${status}${said}`, { hint: SERVER_HINT });
}

const SERVER_HINT = "is this the address of an API server?";

function unreachable(cause: unknown, { place, timeoutMs }: { place: string; timeoutMs: number }): unknown {
  const hint = "is the cluster running, and does the network let this machine reach it?";
  const start = `${place} can't be reached`;
  if (cause instanceof TimeLimitError) return new NetworkError(`${start}: no answer within ${timeoutMs} ms`, { hint });
  return networkError(cause, ({ reason, text }) =>
    reason === "untrusted"
      ? {
        message: `the TLS certificate of ${place} can't be trusted`,
        hint: "its authority is ca.crt of the service account, or certificate-authority in the kubeconfig",
      }
      : { message: `${start}: ${reason === "unresolved" ? "its host name does not resolve" : text}`, hint });
}

function hostOf(server: string): string {
  return URL.canParse(server) ? new URL(server).host : server;
}
