import { AuthError, GcraneError, NetworkError } from "../../errors.ts";
import { type AbortOptions, delay, errorCode, isHeaderText, readAll, retry, type RetryOptions } from "../../io/mod.ts";
import { type ByteStream, runtimeFetch } from "../../runtime/mod.ts";
import { VERSION } from "../../version.ts";

/** How to reach the API server of a cluster, and as whom. */
export interface ClusterConnection {
  /** The URL of the API server; it may have a path. */
  readonly server: string;
  /** The certificates of the authorities that vouch for the server, in PEM. */
  readonly ca?: string;
  /** The certificate of the client in PEM. */
  readonly cert?: string;
  /** The private key of `cert` in PEM. */
  readonly key?: string;
  /** Whether any certificate of the server is taken. */
  readonly insecure?: boolean;
  /** The value of the authorization header. */
  readonly authorization?: string;
  /** The namespace that is meant where none is named. */
  readonly namespace?: string;
  /** What the user can do when the server does not know who asks. */
  readonly unauthorizedHint?: string;
}

/** Options of {@linkcode apiGet}. */
export interface ApiGetOptions extends AbortOptions {
  /**
   * Sends requests; it has to know the certificates by itself.
   * @default made for the certificates of the connection
   */
  fetch?: typeof fetch;
  /**
   * How long one request may take, in milliseconds.
   * @default 10000
   */
  timeoutMs?: number;
  /**
   * How requests that failed in passing are tried again.
   * @default three tries, waiting longer each time
   */
  retry?: Omit<RetryOptions, "signal">;
}

/** In bytes: an object in Kubernetes has at most 1.5 MiB, in base64 2 MiB. */
const LONGEST_OBJECT = 8 * 1024 * 1024;

/**
 * Asks the API for one object; `undefined` where it says that there is none of that name.
 *
 * @throws {AuthError} when it refuses or answers with something else.
 * @throws {NetworkError} when there is no answer, or the server says that it can't answer now.
 */
export async function apiGet(
  connection: ClusterConnection,
  path: string,
  options: ApiGetOptions = {},
): Promise<object | undefined> {
  const attempt = () => ask(connection, path, options);
  // A certificate won't mend itself in a second.
  const verdict = (error: unknown) => error instanceof NetworkError && !UNTRUSTED.test(error.message) && {};
  return await retry(attempt, verdict, { attempts: 3, ...options.retry, signal: options.signal });
}

async function ask(
  connection: ClusterConnection,
  path: string,
  { fetch = fetchFor(connection), timeoutMs = 10_000, signal }: ApiGetOptions,
): Promise<object | undefined> {
  const server = connection.server.replace(/\/+$/, "");
  const place = `the Kubernetes API at ${hostOf(server)}`;
  if (connection.authorization && !isHeaderText(connection.authorization)) {
    throw new AuthError(`the credentials for ${place} have characters that no header can carry`, {
      hint: connection.unauthorizedHint,
    });
  }
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const over = new AbortController();
  delay(timeoutMs, over.signal).then(() => stop.abort(new TimeoutError(timeoutMs)), () => {});
  try {
    signal?.throwIfAborted();
    const headers = new Headers({ accept: "application/json", "user-agent": `gcrane/${VERSION}` });
    if (connection.authorization) headers.set("authorization", connection.authorization);
    // The token goes to this server alone.
    const response = await fetch(server + path, { headers, redirect: "manual", signal: stop.signal });
    const body = response.body
      ? await readAll(response.body as ByteStream, { limit: LONGEST_OBJECT, what: `the answer of ${place}` })
      : new Uint8Array();
    return judge(response.status, new TextDecoder().decode(body), { connection, path, place });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof GcraneError ? error : unreachable(stop.signal.aborted ? stop.signal.reason : error, place);
  } finally {
    over.abort();
    signal?.removeEventListener("abort", onAbort);
  }
}

interface Asked {
  readonly connection: ClusterConnection;
  readonly path: string;
  readonly place: string;
}

/** The object in an answer, `undefined` where there is none. */
function judge(status: number, body: string, { connection, path, place }: Asked): object | undefined {
  const object = jsonObject(body);
  // A proxy or another server says 404 too, but not in these words (Kubernetes: "Status").
  if (status === 404 && object?.kind === "Status") return undefined;
  if (status === 200) {
    if (object !== undefined && object.kind !== "Status") return object;
    throw new AuthError(`${place} answers ${path} with something else than JSON`, { hint: SERVER_HINT });
  }
  const said = typeof object?.message === "string" ? `: ${object.message.replaceAll(/\s+/g, " ").slice(0, 500)}` : "";
  if (status === 401) {
    throw new AuthError(`${place} does not know who asks for ${path} (401)${said}`, {
      hint: connection.unauthorizedHint ?? "its token may have expired",
    });
  }
  if (status === 403) {
    throw new AuthError(`${place} forbids to get ${path} (403)${said}`, {
      hint: "give the account a role with the verb get on secrets and serviceaccounts in that namespace",
    });
  }
  if (status === 429 || status >= 500) throw new NetworkError(`${place} answers ${path} with ${status}${said}`);
  throw new AuthError(`${place} answers ${path} with ${status}${said}`, { hint: SERVER_HINT });
}

const SERVER_HINT = "is this the address of an API server?";

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

class TimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/** What each runtime calls a certificate that nobody vouches for. */
const UNTRUSTED = /certificate|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UnknownIssuer|NotValidForName|ALTNAME/i;

function unreachable(error: unknown, place: string): NetworkError {
  const words = wordsOf(error);
  if (UNTRUSTED.test(words)) {
    return new NetworkError(`the TLS certificate of ${place} can't be trusted`, {
      cause: error,
      hint: "its authority is ca.crt of the service account, or certificate-authority in the kubeconfig",
    });
  }
  const reason = /ECONNREFUSED|refused|Unable to connect/i.test(words)
    ? "connection refused"
    : /ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|lookup/i.test(words)
    ? "its host name does not resolve"
    : error instanceof TimeoutError
    ? error.message
    : errorCode(error) ?? "the request failed";
  return new NetworkError(`${place} can't be reached: ${reason}`, {
    cause: error,
    hint: "is the cluster running, and does the network let this machine reach it?",
  });
}

/** The codes and messages of an error and its causes: every runtime wraps them in another way. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let current = error; current instanceof Error && words.length < 6; current = current.cause) {
    words.push(`${errorCode(current) ?? ""} ${current.message}`);
  }
  return words.join(" ");
}

/** A `fetch` by its certificates: each has connections of its own, which are worth keeping. */
const fetches = new Map<string, typeof fetch>();

function fetchFor({ ca, cert, key, insecure = false }: ClusterConnection): typeof fetch {
  const id = JSON.stringify([ca, cert, key, insecure]);
  let found = fetches.get(id);
  if (found === undefined) {
    // Certificates rotate, so that only those in use are worth keeping.
    if (fetches.size >= 8) fetches.clear();
    found = runtimeFetch({
      insecureTls: insecure,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
    fetches.set(id, found);
  }
  return found;
}

function hostOf(server: string): string {
  return URL.canParse(server) ? new URL(server).host : server;
}
