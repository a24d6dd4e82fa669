import { GcraneError, HttpError, NetworkError, NotFoundError } from "../errors.ts";
import { errorCode, fileFailure, Limits, readAll } from "../io/mod.ts";
import { type ByteStream, environmentVariable, exists, homeDirectory, joinPath, userId } from "../runtime/mod.ts";
import type { EngineAddress } from "./address.ts";

/** The longest text of an engine that is repeated. */
const LONGEST_WORDS = 500;

/** The words of an engine on one line, without what would steer a terminal. */
export function plainWords(text: string): string {
  // deno-lint-ignore no-control-regex
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return line.length > LONGEST_WORDS ? `${line.slice(0, LONGEST_WORDS)}…` : line;
}

/** What is done, to say so when it fails. */
export interface EngineRequestLine {
  /** The method. */
  readonly method: string;
  /** The path and query, with the version in front. */
  readonly path: string;
  /** What was being done: `inspect example.com/a:v1`. */
  readonly doing: string;
}

/** The error of a request that had no answer. Errors of this package stay as they are. */
export async function requestError(error: unknown, address: EngineAddress): Promise<unknown> {
  if (error instanceof GcraneError) return error;
  const doing = `can't reach the Docker engine at ${address.name}`;
  // Its words speak of certificates, which are not what failed.
  if (error instanceof Error && error.name === "NotSupportedError") return fileFailure(doing, error);
  const { text, hint } = await describe(error, address);
  return new NetworkError(`${doing}: ${text}`, { cause: error, hint });
}

/** The error of an answer that began and did not end. Errors of this package stay as they are. */
export async function answerError(error: unknown, address: EngineAddress): Promise<unknown> {
  if (error instanceof GcraneError) return error;
  const { text } = await describe(error, address);
  return new NetworkError(`the Docker engine at ${address.name} stops in the middle of its answer: ${text}`, {
    cause: error,
    hint: "see the log of the engine",
  });
}

interface Described {
  readonly text: string;
  readonly hint?: string;
}

async function describe(error: unknown, address: EngineAddress): Promise<Described> {
  const words = wordsOf(error);
  if (address.unixSocket !== undefined) {
    if (/ENOENT|ENOTDIR/.test(words)) return { text: "there is no such socket", hint: await whereElse(address) };
    if (/EACCES|EPERM/.test(words)) {
      return {
        text: "permission denied",
        hint: "run this as root, or add your user to the group of the socket (docker, mostly) and sign in again",
      };
    }
    if (/ECONNREFUSED|ENOTSOCK/.test(words)) {
      return { text: "nobody listens on this socket", hint: await whereElse(address) };
    }
  }
  for (const [pattern, text, hint] of FAILURES) if (pattern.test(words)) return { text, hint };
  return { text: plainWords(error instanceof Error ? error.message : String(error)) || "the request failed" };
}

const TLS_HINT = "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say how to be let in; is this the engine's TLS port?";

const FAILURES: readonly (readonly [RegExp, string, string?])[] = [
  [
    /ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|failed to lookup|DNSException|NameNotResolved/i,
    "the host name does not resolve",
    "check the spelling of DOCKER_HOST",
  ],
  [
    /ECONNREFUSED|ConnectionRefused|Connection refused|Unable to connect/i,
    "connection refused",
    "is the engine running, and does it listen on this port?",
  ],
  [
    /CERTIFICATE_REQUIRED|CertificateRequired|BAD_CERTIFICATE/i,
    "it wants a certificate of its client",
    "put cert.pem and key.pem into the folder that DOCKER_CERT_PATH names",
  ],
  [
    /certificate|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UnknownIssuer|NotValidForName/i,
    "its TLS certificate can't be trusted",
    "put the ca.pem that vouches for it into the folder that DOCKER_CERT_PATH names",
  ],
  [/InvalidContentType|WRONG_VERSION_NUMBER|corrupt message|EPROTO|record layer/i, "TLS fails", TLS_HINT],
  [/invalid HTTP version|HPE_INVALID/i, "it does not speak HTTP", TLS_HINT],
  [/ETIMEDOUT|timed out|TimeoutError/i, "the connection timed out", "check your network"],
  [/ENETUNREACH|EHOSTUNREACH|unreachable/i, "the network is unreachable", "check your network"],
  [
    /ECONNRESET|ConnectionReset|Connection reset|socket connection was closed|SocketError|other side closed|connection closed|before message completed|unexpected EOF|EPIPE|Broken pipe|closed early|reading a body/i,
    "the connection was cut",
  ],
];

/** The codes and messages of an error and its causes: every runtime wraps them in another way. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let current = error; current instanceof Error && words.length < 6; current = current.cause) {
    words.push(`${errorCode(current) ?? ""} ${current.message.replace(/\bhttps?:\/\/[^\s"')]+/gi, "")}`);
  }
  return words.join(" ");
}

/** What to try instead: another engine that seems to be here, or how to start one. */
async function whereElse({ unixSocket }: EngineAddress): Promise<string> {
  for (const path of otherSockets()) {
    if (path !== unixSocket && await exists(path).catch(() => false)) {
      return `there is a socket at ${path}: set DOCKER_HOST=unix://${path}`;
    }
  }
  return "start Docker, or say where an engine listens with DOCKER_HOST; " +
    `podman's does after systemctl --user start podman.socket, at unix://${podmanUserSocket()}`;
}

/** Where podman and Docker Desktop listen. */
function otherSockets(): string[] {
  const home = homeDirectory();
  return [
    podmanUserSocket(),
    "/run/podman/podman.sock",
    ...(home === undefined ? [] : [joinPath(home, ".docker/run/docker.sock")]),
  ];
}

function podmanUserSocket(): string {
  const folder = environmentVariable("XDG_RUNTIME_DIR") || `/run/user/${userId() ?? 0}`;
  return joinPath(folder, "podman/podman.sock");
}

/** The error of an answer whose status says that it failed. Its body is read, as far as it is worth it. */
export async function statusError(
  response: Response,
  { method, path, doing }: EngineRequestLine,
  address: EngineAddress,
): Promise<GcraneError> {
  const said = await engineWords(response);
  const message = `the Docker engine at ${address.name} can't ${doing}: ${said ?? `it answers ${response.status}`}`;
  // Podman answers 500 to a save of what it does not have.
  if (said !== undefined && (response.status === 404 || /image not known/.test(said))) {
    return new NotFoundError(message, { hint: "docker images, or podman images, lists what is there" });
  }
  return new HttpError(message, {
    status: response.status,
    method,
    url: address.base + path,
    diagnostics: said === undefined ? [] : [{ code: "", message: said }],
    hint: statusHint(said ?? ""),
  });
}

function statusHint(said: string): string | undefined {
  if (/HTTP request to an HTTPS server/i.test(said)) return "the engine speaks TLS: set DOCKER_TLS_VERIFY=1";
  if (/client version .* too (old|new)/i.test(said)) return "leave DOCKER_API_VERSION unset";
  return undefined;
}

/** What the body of a failed answer says: Docker's and podman's JSON has a `message`, a proxy sends a line of text. */
async function engineWords(response: Response): Promise<string | undefined> {
  if (!response.body) return undefined;
  let text: string;
  try {
    const bytes = await readAll(response.body as ByteStream, { limit: Limits.message, what: "the engine's error" });
    text = new TextDecoder().decode(bytes);
  } catch {
    return undefined;
  }
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string" && message !== "") return plainWords(message);
  } catch {
    // no JSON: the text itself may say something
  }
  const line = plainWords(text);
  return line === "" || /^[<{[]/.test(line) ? undefined : line;
}
