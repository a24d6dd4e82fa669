import { DaemonError } from "../errors.ts";
import {
  ask,
  fetchFor,
  plainText,
  readBody,
  type ReadBodyOptions,
  type Timeouts,
  timeoutsOf,
  userAgent,
} from "../http/mod.ts";
import { type AbortOptions, lazy, Limits, SharedWork } from "../io/mod.ts";
import { type ByteStream, environmentVariable } from "../runtime/mod.ts";
import { type EngineAddress, engineAddress, type EngineAddressOptions, type Environment } from "./address.ts";
import { type ApiVersion, chosenApiVersion, negotiated, parseApiVersion, SILENT_API } from "./api_version.ts";
import { type EngineCertificates, readCertificates } from "./certificates.ts";
import { answerError, type EngineRequestLine, requestError, statusError } from "./failure.ts";

/** Options of an engine. */
export interface DockerEngineOptions extends EngineAddressOptions {
  /**
   * The certificates for TLS with the engine; for addresses that begin with `https://` or `tcp://`.
   * @default ca.pem, cert.pem and key.pem in $DOCKER_CERT_PATH, or in ~/.docker where $DOCKER_TLS_VERIFY is set
   */
  certificates?: EngineCertificates;
  /**
   * The version of the Engine API.
   * @default $DOCKER_API_VERSION, else the newest that both sides support
   */
  apiVersion?: string;
  /**
   * Returns further headers of every request.
   * @default none
   */
  headers?: () => Promise<Readonly<Record<string, string>>>;
  /**
   * Sends the requests.
   * @default created for the address
   */
  fetch?: typeof fetch;
  /**
   * How long the engine may take to answer the ping. Later requests have no limit.
   * @default 30 seconds
   */
  timeouts?: Pick<Timeouts, "connectMs">;
}

/** The result of a ping. */
export interface EnginePing {
  /** The version of the API to use. */
  readonly apiVersion: ApiVersion;
  /** The engine's name and version: `Docker/20.10.24 (linux)`, `Libpod/4.3.1 (linux)`. */
  readonly server: string | undefined;
}

/** One request to an engine. */
export interface EngineRequest extends AbortOptions {
  /** The method. */
  readonly method: "GET" | "POST";
  /** The path after the version, with names encoded. */
  readonly path: string;
  /** The query. */
  readonly query?: readonly (readonly [name: string, value: string])[];
  /** The purpose of the request, for an error: `inspect example.com/a:v1`. */
  readonly doing: string;
  /** A tar to send as the body. */
  readonly tar?: ByteStream;
}

/** A connection to one engine. */
export class EngineConnection {
  /** The address of the engine. */
  readonly address: EngineAddress;
  /** Pings the engine on the first call; later calls return the same result. */
  readonly ping: (options?: AbortOptions) => Promise<EnginePing>;
  readonly #chosenVersion: ApiVersion | undefined;
  readonly #connectMs: number;
  readonly #headers: DockerEngineOptions["headers"];
  readonly #environment: Environment;
  readonly #fetch: (options?: AbortOptions) => Promise<typeof fetch>;

  /** Creates the connection. Sends nothing until the first request. */
  constructor(options: DockerEngineOptions = {}) {
    const { environment = environmentVariable, apiVersion = environment("DOCKER_API_VERSION") } = options;
    this.address = engineAddress(options);
    this.#chosenVersion = apiVersion ? chosenApiVersion(apiVersion) : undefined;
    this.#environment = environment;
    this.#headers = options.headers;
    this.#connectMs = timeoutsOf(options.timeouts).connectMs;
    this.#fetch = lazy(async () => options.fetch ?? await engineFetch(this.address, options.certificates));
    const pings = new SharedWork<EnginePing>({ keep: true });
    this.ping = (caller = {}) => pings.run("", caller, (signal) => this.#askVersion(signal));
  }

  /** Returns the version of the API to use. */
  async apiVersion(options: AbortOptions = {}): Promise<ApiVersion> {
    return this.#chosenVersion ?? (await this.ping(options)).apiVersion;
  }

  /** Sends a request and returns the response if its status is a success. The caller reads or cancels the body. */
  async send(request: EngineRequest): Promise<Response> {
    const { method, query = [], doing, tar, signal } = request;
    let line: EngineRequestLine;
    try {
      const version = await this.apiVersion({ signal });
      const search = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
      line = { method, path: `/v${version}${request.path}${search && `?${search}`}`, doing };
    } catch (error) {
      tar?.cancel(error).catch(() => {});
      throw error;
    }
    const response = await this.#exchange(line, { tar, signal });
    if (response.ok) return response;
    throw await statusError(response, line, this.address);
  }

  /** Reads a body as text. */
  async text(response: Response, options: ReadBodyOptions): Promise<string> {
    try {
      return new TextDecoder().decode(await readBody(response, { stallMs: 0, ...options }));
    } catch (error) {
      throw options.signal?.aborted ? options.signal.reason : answerError(error, this.address);
    }
  }

  async #askVersion(signal: AbortSignal): Promise<EnginePing> {
    const line: EngineRequestLine = { method: "GET", path: "/_ping", doing: "report its API version" };
    const response = await this.#exchange(line, { limitMs: this.#connectMs, signal });
    const header = response.headers.get("api-version");
    const server = response.headers.get("server");
    const newest = parseApiVersion(header);
    if (newest === undefined && (!response.ok || header !== null)) {
      if (!response.ok) throw await statusError(response, line, this.address);
      throw new DaemonError(
        `the Docker engine at ${this.address.name} reports the API version ${JSON.stringify(plainText(header ?? ""))}`,
        { hint: "is it an engine? Docker and podman answer with a version, 1.41 for example" },
      );
    }
    const limits = { limit: Limits.message, stallMs: this.#connectMs, signal };
    const said = await this.text(response, { ...limits, what: "the engine's answer" });
    if (newest === undefined && said.trim() !== "OK") {
      throw new DaemonError(`the server at ${this.address.name} is not a Docker engine`, {
        hint: "set DOCKER_HOST to where Docker or podman listens",
      });
    }
    const apiVersion = this.#chosenVersion ??
      negotiated(newest ?? SILENT_API, `the Docker engine at ${this.address.name}`);
    return { apiVersion, server: server === null ? undefined : plainText(server) };
  }

  async #exchange(
    { method, path }: EngineRequestLine,
    { tar, signal, limitMs = 0 }: { tar?: ByteStream | undefined; signal?: AbortSignal | undefined; limitMs?: number },
  ): Promise<Response> {
    const type = tar && { "content-type": "application/x-tar" };
    const failed = (cause: unknown) => requestError(cause, this.address, this.#environment);
    try {
      const fetch = await this.#fetch({ signal }).catch(async (cause) => {
        throw signal?.aborted ? signal.reason : await failed(cause);
      });
      const request = {
        method,
        url: this.address.base + path,
        headers: { ...await this.#headers?.(), "user-agent": userAgent(), ...type },
        body: tar && { stream: tar },
      };
      return await ask(request, { fetch, signal, limitMs, failed }, (response) => response);
    } catch (error) {
      if (!tar?.locked) tar?.cancel(error).catch(() => {});
      throw error;
    }
  }
}

async function engineFetch(address: EngineAddress, given: EngineCertificates | undefined): Promise<typeof fetch> {
  const { unixSocket, certificates: folder } = address;
  if (unixSocket !== undefined) return fetchFor({ unixSocket });
  if (!address.base.startsWith("https:")) return fetchFor();
  const { ca, cert, key, verify = address.verify } = given ??
    (folder === undefined ? {} : await readCertificates(folder));
  return fetchFor({
    insecureTls: !verify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
}
