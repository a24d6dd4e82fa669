import { type GcraneError, HttpError, type NetworkFailure, NotFoundError } from "../errors.ts";
import { networkError, plainText, readBody, readFailure } from "../http/mod.ts";
import { fileFailure, Limits } from "../io/mod.ts";
import { environmentVariable, exists, homeDirectory, joinPath, userId } from "../runtime/mod.ts";
import type { EngineAddress } from "./address.ts";

/** What is done, to say so when it fails. */
export interface EngineRequestLine {
  /** The method. */
  readonly method: string;
  /** The path and query, with the version in front. */
  readonly path: string;
  /** What was being done: `inspect example.com/a:v1`. */
  readonly doing: string;
}

/** Makes the error of a request that got no answer. Errors of this package stay as they are. */
export async function requestError(error: unknown, address: EngineAddress): Promise<unknown> {
  const doing = `can't reach the Docker engine at ${address.name}`;
  // The error speaks of certificates, which did not fail.
  if (error instanceof Error && error.name === "NotSupportedError") return fileFailure(doing, error);
  const { reason, text } = readFailure(error);
  const words = (reason && (address.unixSocket === undefined ? TCP[reason] : SOCKET[reason])) ?? {};
  const hint = words.hint === ELSEWHERE ? await whereElse(address) : words.hint;
  return networkError(error, () => ({ message: `${doing}: ${words.text ?? text}`, hint }));
}

/** Makes the error of an answer that began and did not end. Errors of this package stay as they are. */
export function answerError(error: unknown, address: EngineAddress): unknown {
  return networkError(error, ({ text }) => ({
    message: `the Docker engine at ${address.name} stops in the middle of its answer: ${text}`,
    hint: "see the log of the engine",
  }));
}

type Words = Readonly<Partial<Record<NetworkFailure, { readonly text?: string; readonly hint?: string }>>>;

const TLS_HINT = "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say how to be let in; is this the engine's TLS port?";

/** Stands for the hint that names another engine. */
const ELSEWHERE = "elsewhere";

const TCP: Words = {
  unresolved: { hint: "check the spelling of DOCKER_HOST" },
  refused: { hint: "is the engine running, and does it listen on this port?" },
  untrusted: {
    text: "its TLS certificate can't be trusted",
    hint: "put the ca.pem that vouches for it into the folder that DOCKER_CERT_PATH names",
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
  refused: { text: "nobody listens on this socket", hint: ELSEWHERE },
};

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
    // no JSON: the text itself may say something
  }
  const line = plainText(text);
  return line === "" || /^[<{[]/.test(line) ? undefined : line;
}
