import { type AbortOptions, KeyedMutex, RateLimit } from "../io/mod.ts";
import type { Registry, Repository } from "../name/mod.ts";
import { pullScope, scope } from "../name/mod.ts";
import type {
  Answer,
  BodyLimit,
  Connection,
  RegistryRequest,
  TransportOptions,
  WholeAnswer,
} from "../transport/mod.ts";
import { connect, settingsOf } from "../transport/internal.ts";
import { type ContentServer, fetchOf, Mirrors } from "./mirrors.ts";
import type { UploadWay } from "./upload_way.ts";

/** An action on a repository, as in a token's scope. */
export type Access = "pull" | "push" | "delete";

const ACTIONS: Readonly<Record<Access, readonly ("pull" | "push" | "delete")[]>> = {
  pull: ["pull"],
  push: ["push", "pull"],
  delete: ["push", "pull", "delete"],
};

/** A request to a repository. */
export interface RepositoryRequest extends Omit<RegistryRequest, "scopes"> {
  /** The action that the token must allow. */
  readonly access: Access;
  /** Another repository that the token must allow to read: the source of a blob mount. */
  readonly from?: Repository;
}

/** Options of {@linkcode Client}. */
export interface ClientOptions extends TransportOptions {
  /**
   * The most requests per second, to all registries together.
   * @default no limit
   */
  rate?: number;
}

/**
 * The connections of a program to registries, with their pings and tokens. Create one and pass it to every call as the
 * option `client`, which saves each call the ping and the token of its registry.
 *
 * @example
 * ```ts
 * import { emptyImage } from "@gcrane/gcrane/image";
 * import * as crane from "@gcrane/gcrane/crane";
 * import { createRegistry } from "@gcrane/gcrane/registry";
 * import { Client } from "@gcrane/gcrane/remote";
 *
 * const client = new Client({ fetch: createRegistry().fetch });
 * await crane.push(emptyImage(), "registry.example.com/app:v1", { client });
 * console.log(await crane.digest("registry.example.com/app:v1", { client })); // one ping for both
 * ```
 */
export class Client {
  /** The transport options of its connections. */
  readonly options: TransportOptions;
  readonly #referrerChanges = new KeyedMutex();
  /**
   * Hosts that responded before a request's body was sent, or that do not report what they stored. They receive
   * streams.
   */
  readonly earlyAnswers: Set<string> = new Set();
  /**
   * Names of registries that sent a blob in an encoding or without its length. Further ones are read as streams at once.
   * @internal
   */
  readonly streamedBlobs: Set<string> = new Set();
  /**
   * How hosts take the bytes of a blob, where another way than the first had to be found.
   * @internal
   */
  readonly uploadWays: Map<string, UploadWay> = new Map();
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #mirrors: Mirrors;

  /** Creates a client; sends nothing before the first request. */
  constructor(options: ClientOptions = {}) {
    const { rate, ...transport } = options;
    const limit = rate === undefined ? undefined : new RateLimit(rate);
    this.options = limit ? { ...transport, pace: (passing) => limit.pass(1, passing) } : transport;
    this.#mirrors = new Mirrors(this.options);
  }

  /**
   * Returns the connection to a registry, or to that of a repository, by the machine's settings for it.
   *
   * @throws {BlockedError} if the settings block it.
   */
  async connection(target: Registry | Repository): Promise<Connection> {
    const { insecure } = await settingsOf(target, this.options);
    const { name, schemes } = target.kind === "registry" ? target : target.registry;
    const key = `${schemes.join()}${insecure ? "!" : ""}://${name}`;
    const connection = this.#connections.get(key) ?? connect(target, this.options);
    this.#connections.set(key, connection);
    return await connection;
  }

  /**
   * Reads content by its digest, from a mirror where the machine's settings name one that has it. The caller verifies
   * what it reads.
   * @internal
   */
  async readContent<T>(
    repository: Repository,
    read: (server: ContentServer) => Promise<T>,
    options: AbortOptions & { useMirrors?: boolean } = {},
  ): Promise<T> {
    const registry: ContentServer = {
      request: (request) => this.request(repository, { ...request, access: "pull" }),
      requestWhole: (request, limit) => this.requestWhole(repository, { ...request, access: "pull" }, limit),
      fetchAt: async (url, options) => await fetchOf(await this.connection(repository), url, options),
    };
    const { useMirrors = true } = options;
    return useMirrors ? await this.#mirrors.read(repository, registry, read, options) : await read(registry);
  }

  /**
   * Runs the changes of one referrers list one after the other, as each reads, extends and writes the list.
   *
   * @param subject the name of the manifest that the list belongs to
   */
  async changeReferrers<Result>(
    subject: string,
    change: () => Promise<Result>,
    options: AbortOptions,
  ): Promise<Result> {
    return await this.#referrerChanges.run(subject, change, options);
  }

  /** Drops the tokens of a repository, which would accumulate in a run over many. */
  forget(repository: Repository): void {
    this.connection(repository).then((connection) => connection.forget(repository.path)).catch(() => {});
  }

  /** Sends a request to a repository. `to` is relative to the repository's name: `/tags/list`. */
  async request(repository: Repository, request: RepositoryRequest): Promise<Answer> {
    const connection = await this.connection(repository);
    return await connection.request(repository.path, ofRegistry(repository, request));
  }

  /** Sends a request as {@linkcode Client.request} does, and reads the body too. */
  async requestWhole(repository: Repository, request: RepositoryRequest, limit: BodyLimit): Promise<WholeAnswer> {
    const connection = await this.connection(repository);
    return await connection.requestWhole(repository.path, ofRegistry(repository, request), limit);
  }
}

function ofRegistry(repository: Repository, { access, from, ...rest }: RepositoryRequest): RegistryRequest {
  const scopes = [scope(repository, ACTIONS[access])];
  if (from) scopes.push(pullScope(from));
  const to = typeof rest.to === "string" ? `/v2/${repository.path}${rest.to}` : rest.to;
  return { ...rest, to, scopes };
}
