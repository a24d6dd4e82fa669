import { type GcraneError, HttpError, type NetworkFailure, NotFoundError } from "../errors.ts";
import { networkError, plainText, readBody, readFailure } from "../http/mod.ts";
import { fileFailure, Limits } from "../io/mod.ts";
import { exists, homeDirectory, joinPath, userId } from "../runtime/mod.ts";
import type { EngineAddress, Environment } from "./address.ts";

/** A request to an engine, for the message of its error. */
export interface EngineRequestLine {
  /** The method. */
  readonly method: string;
  /** The path and query, with the version. */
  readonly path: string;
  /** The purpose of the request: `inspect example.com/a:v1`. */
  readonly doing: string;
}

/** Creates the error of a request without a response. Returns errors of this package unchanged. */
export async function requestError(
  error: unknown,
  address: EngineAddress,
  environment: Environment,
): Promise<unknown> {
  const doing = `can't reach the Docker engine at ${address.name}`;
  // The error names certificates, which did not fail.
  if (error instanceof Error && error.name === "NotSupportedError") return fileFailure(doing, error);
  const { reason, text } = readFailure(error);
  const words = (reason && (address.unixSocket === undefined ? TCP[reason] : SOCKET[reason])) ?? {};
  const hint = words.hint === ELSEWHERE ? await whereElse(address, environment) : words.hint;
  return networkError(error, () => ({ message: `${doing}: ${words.text ?? text}`, hint }));
}

/** Creates the error of a response that ended early. Returns errors of this package unchanged. */
export function answerError(error: unknown, address: EngineAddress): unknown {
  return networkError(error, ({ text }) => ({
    message: `the Docker engine at ${address.name} stops in the middle of its answer: ${text}`,
    hint: "see the log of the engine",
  }));
}

type Words = Readonly<Partial<Record<NetworkFailure, { readonly text?: string; readonly hint?: string }>>>;

const TLS_HINT = "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH name the certificates; is this the engine's TLS port?";

/** Stands for a hint that names another engine. */
const ELSEWHERE = "elsewhere";

const TCP: Words = {
  unresolved: { hint: "check the spelling of DOCKER_HOST" },
  refused: { hint: "is the engine running, and does it listen on this port?" },
  untrusted: {
    text: "its TLS certificate can't be trusted",
    hint: "put the ca.pem of its authority into the folder in DOCKER_CERT_PATH",
  },
  "client-certificate": {
    text: "it demands a client certificate",
    hint: "put your cert.pem and key.pem into the folder in DOCKER_CERT_PATH",
  },
  "not-tls": { text: "TLS fails", hint: TLS_HINT },
  "not-http": { text: "it does not speak HTTP", hint: TLS_HINT },
  timeout: { hint: "check your network" },
  unreachable: { hint: "check your network" },
};

const SOCKET: Words = {
  ...TCP,
  "no-socket": { hint: ELSEWHERE },
  denied: { hint: "run this as root, or add your user to the group of the socket (docker, mostly) and sign in again" },
  refused: { text: "no process listens on this socket", hint: ELSEWHERE },
};

/** Returns a hint: the socket of another engine, if there is one, or how to start one. */
async function whereElse({ unixSocket }: EngineAddress, environment: Environment): Promise<string> {
  for (const path of otherSockets(environment)) {
    if (path !== unixSocket && await exists(path).catch(() => false)) {
      return `there is a socket at ${path}: set DOCKER_HOST=unix://${path}`;
    }
  }
  return "start Docker, or set DOCKER_HOST to the address of an engine; " +
    `podman's does after systemctl --user start podman.socket, at unix://${podmanUserSocket(environment)}`;
}

/** Returns the sockets of podman and Docker Desktop. */
function otherSockets(environment: Environment): string[] {
  const home = homeDirectory();
  return [
    podmanUserSocket(environment),
    "/run/podman/podman.sock",
    ...(home === undefined ? [] : [joinPath(home, ".docker/run/docker.sock")]),
  ];
}

function podmanUserSocket(environment: Environment): string {
  const folder = environment("XDG_RUNTIME_DIR") || `/run/user/${userId() ?? 0}`;
  return joinPath(folder, "podman/podman.sock");
}

/** Creates the error of a response whose status is an error, with the message of its body. */
export async function statusError(
  response: Response,
  { method, path, doing }: EngineRequestLine,
  address: EngineAddress,
): Promise<GcraneError> {
  const said = await engineWords(response);
  const message = `the Docker engine at ${address.name} can't ${doing}: ${said ?? `it answers ${response.status}`}`;
  // Podman answers 500 to a save of a missing image.
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

/** Reads the message of an error body: the `message` in JSON of Docker or podman, or a line of text from a proxy. */
async function engineWords(response: Response): Promise<string | undefined> {
  let text: string;
  try {
    text = new TextDecoder().decode(await readBody(response, { limit: Limits.message, what: "the engine's error" }));
  } catch {
    return undefined;
  }
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string" && message !== "") return plainText(message);
  } catch {
    // Not JSON: the text itself may be a message.
  }
  const line = plainText(text);
  return line === "" || /^[<{[]/.test(line) ? undefined : line;
}
