import { DaemonError, NameError } from "../errors.ts";
import { type AbortOptions, Limits } from "../io/mod.ts";
import { parseTag } from "../name/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { parsePlatform, type Platform } from "../spec/mod.ts";
import { type ApiVersion, INSPECT_PLATFORM_API, isAtLeast, SAVE_PLATFORM_API } from "./api_version.ts";
import { type DockerEngineOptions, EngineConnection, type EnginePing } from "./connection.ts";
import { answerError } from "./failure.ts";
import { type ImageHistoryStep, type ImageInspection, parseHistory, parseInspection } from "./inspection.ts";
import { checkedSave, parseMessages } from "./messages.ts";

/** Options of a request for one image. */
export interface EngineImageOptions extends AbortOptions {
  /**
   * The platform of the image, for a name with several. Engines before API 1.48 have one image per name and ignore it.
   * @default the engine's choice, which is its own platform
   */
  platform?: Platform | string;
}

/** The maximum size of the messages of a load, in bytes. */
const MESSAGES_LIMIT = 16 * 1024 * 1024;

/**
 * A Docker Engine, or an engine with the same API such as podman. Inspects, saves, loads and tags its images.
 *
 * Every call may fail with a `NetworkError` if the engine can't be reached, an `HttpError` if it refuses, and a
 * `NotFoundError` if it has no such image.
 */
export class DockerEngine {
  readonly #connection: EngineConnection;

  /**
   * Creates the client. Sends nothing until the first request.
   *
   * @throws {UsageError} if the address is not valid.
   * @throws {UnsupportedError} if its scheme is not supported.
   */
  constructor(options: DockerEngineOptions = {}) {
    this.#connection = new EngineConnection(options);
  }

  /** The address of the engine as it was given: `unix:///var/run/docker.sock`. */
  get address(): string {
    return this.#connection.address.name;
  }

  /** Checks that the engine answers and selects the version of the API. Asks once. */
  ping(options: AbortOptions = {}): Promise<EnginePing> {
    return this.#connection.ping(options);
  }

  /**
   * Returns the engine's data on an image.
   *
   * @param name `repository`, `repository:tag`, `repository@digest`, or the image's id
   */
  async inspect(name: string, options: EngineImageOptions = {}): Promise<ImageInspection> {
    const query = await this.#platformQuery(options, INSPECT_PLATFORM_API);
    const path = `/images/${pathOf(name)}/json`;
    const text = await this.#ask(path, { doing: `inspect ${name}`, query, ...options });
    return parseInspection(text, `the answer of the Docker engine at ${this.address} about ${name}`);
  }

  /** Returns the history of an image, the last step first. */
  async history(name: string, options: EngineImageOptions = {}): Promise<ImageHistoryStep[]> {
    const query = await this.#platformQuery(options, SAVE_PLATFORM_API);
    const path = `/images/${pathOf(name)}/history`;
    const text = await this.#ask(path, { doing: `report the history of ${name}`, query, ...options });
    return parseHistory(text, `the history of ${name} from the Docker engine at ${this.address}`);
  }

  /**
   * Returns images as a tarball, as `docker save` does. The stream fails if the engine does.
   *
   * @param names one image or several, as for {@linkcode DockerEngine.inspect}; an id gives an image without a tag
   */
  async save(names: string | readonly string[], options: EngineImageOptions = {}): Promise<ByteStream> {
    const list = typeof names === "string" ? [names] : names;
    if (list.length === 0) throw new TypeError("save needs at least one image");
    for (const name of list) pathOf(name);
    const { signal } = options;
    const platform = await this.#platformQuery(options, SAVE_PLATFORM_API);
    const doing = `save ${list.join(", ")}`;
    const query = [...list.map((name) => ["names", name] as const), ...platform];
    const { body } = await this.#connection.send({ method: "GET", path: "/images/get", query, doing, signal });
    if (!body) throw new DaemonError(`the Docker engine at ${this.address} can't ${doing}: it sends nothing`);
    return checkedSave(body as ByteStream, {
      said: (message) => this.#failed(doing, message),
      cut: (error) => signal?.aborted ? signal.reason : answerError(error, this.#connection.address),
    });
  }

  /**
   * Loads the images of a tarball, as `docker load` does. Reads the tarball once, and cancels it if the engine does not
   * read the rest.
   *
   * @returns the engine's messages, usually a line for each image: `Loaded image: example.com/a:v1`
   * @throws {DaemonError} if the engine fails after its response has begun.
   */
  async load(tarball: ByteStream, options: AbortOptions = {}): Promise<string> {
    const { signal } = options;
    const doing = "load the images";
    const query = [["quiet", "1"]] as const;
    const request = { method: "POST", path: "/images/load", query, doing, tar: tarball, signal } as const;
    const response = await this.#connection.send(request);
    const what = `the answer of the Docker engine at ${this.address}`;
    const { text, error } = parseMessages(
      await this.#connection.text(response, { limit: MESSAGES_LIMIT, what, signal }),
    );
    if (error !== undefined) throw this.#failed(doing, error);
    return text;
  }

  /**
   * Adds a name to an image.
   *
   * @param name the image, as for {@linkcode DockerEngine.inspect}
   * @param newName `repository:tag`; without a tag, `latest`
   */
  async tag(name: string, newName: string, options: AbortOptions = {}): Promise<void> {
    const { identifier } = parseTag(newName);
    const repo = newName.endsWith(`:${identifier}`) ? newName.slice(0, -identifier.length - 1) : newName;
    const query = [["repo", repo], ["tag", identifier]] as const;
    const doing = `tag ${name} as ${newName}`;
    const { signal } = options;
    const response = await this.#connection.send({
      method: "POST",
      path: `/images/${pathOf(name)}/tag`,
      query,
      doing,
      signal,
    });
    await response.body?.cancel();
  }

  async #ask(path: string, { doing, query, signal }: AskOptions): Promise<string> {
    const response = await this.#connection.send({ method: "GET", path, query, doing, signal });
    return await this.#connection.text(response, { limit: Limits.manifest, what: "the engine's answer", signal });
  }

  async #platformQuery(
    { platform, signal }: EngineImageOptions,
    since: ApiVersion,
  ): Promise<(readonly [string, string])[]> {
    if (platform === undefined) return [];
    return isAtLeast(await this.#connection.apiVersion({ signal }), since)
      ? [["platform", JSON.stringify(parsePlatform(platform))]]
      : [];
  }

  #failed(doing: string, said: string): DaemonError {
    return new DaemonError(`the Docker engine at ${this.address} can't ${doing}: ${said}`);
  }
}

interface AskOptions extends AbortOptions {
  readonly doing: string;
  readonly query: readonly (readonly [string, string])[];
}

/**
 * Encodes a name for a path. The engine checks names itself, but `..` or an empty part would change the request's
 * target.
 */
function pathOf(name: string): string {
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || !/^[\w.:@\-[\]]+$/.test(part))) {
    throw new NameError(`${JSON.stringify(name)} is not the name of an image`, {
      hint: "write repository:tag, or the id of the image",
    });
  }
  return parts.map((part) => encodeURIComponent(part).replaceAll("%3A", ":").replaceAll("%40", "@")).join("/");
}
