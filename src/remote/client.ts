import { KeyedMutex } from "../io/mod.ts";
import type { Registry, Repository } from "../name/mod.ts";
import { pullScope, scope } from "../name/mod.ts";
import {
  type Answer,
  type BodyLimit,
  Connection,
  type RegistryRequest,
  type TransportOptions,
  type WholeAnswer,
} from "../transport/mod.ts";

/** What is done in a repository, as a token's scope names it. */
export type Access = "pull" | "push" | "delete";

const ACTIONS: Readonly<Record<Access, readonly ("pull" | "push" | "delete")[]>> = {
  pull: ["pull"],
  push: ["push", "pull"],
  delete: ["push", "pull", "delete"],
};

/** A request within a repository. */
export interface RepositoryRequest extends Omit<RegistryRequest, "scopes"> {
  /** What the token must allow. */
  readonly access: Access;
  /** Another repository that the token must allow to read: where a blob is mounted from. */
  readonly from?: Repository;
}

/**
 * The connections to every registry that a program speaks to, with their pings and tokens. Made once and passed to every
 * call as the option `client`, it saves each call the ping and the token of its registry.
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
  /** How it speaks to registries. */
  readonly options: TransportOptions;
  /** Lets the changes of one list of referrers run one after the other, since a change reads, adds and writes. */
  readonly referrerChanges: KeyedMutex = new KeyedMutex();
  /** Hosts that answered a request before its body was sent, or do not say what they stored: they are sent streams. */
  readonly earlyAnswers: Set<string> = new Set();
  readonly #connections = new Map<string, Connection>();

  /** Makes it; nothing is sent before something is asked for. */
  constructor(options: TransportOptions = {}) {
    this.options = options;
  }

  /** The connection to a registry. */
  connection(registry: Registry): Connection {
    const key = `${registry.schemes.join()}://${registry.name}`;
    let connection = this.#connections.get(key);
    if (!connection) {
      connection = new Connection(registry, this.options);
      this.#connections.set(key, connection);
    }
    return connection;
  }

  /** Drops the tokens for a repository, which a run through many would gather. */
  forget(repository: Repository): void {
    this.connection(repository.registry).forget(repository.repository);
  }

  /** Sends a request within a repository. `to` begins after the repository's name: `/tags/list`. */
  async request(repository: Repository, request: RepositoryRequest): Promise<Answer> {
    return await this.connection(repository.registry).request(repository.repository, ofRegistry(repository, request));
  }

  /** As {@linkcode Client.request}, but reads the body too. */
  async requestWhole(repository: Repository, request: RepositoryRequest, limit: BodyLimit): Promise<WholeAnswer> {
    const connection = this.connection(repository.registry);
    return await connection.requestWhole(repository.repository, ofRegistry(repository, request), limit);
  }
}

function ofRegistry(repository: Repository, { access, from, ...rest }: RepositoryRequest): RegistryRequest {
  const scopes = [scope(repository, ACTIONS[access])];
  if (from) scopes.push(pullScope(from));
  const to = typeof rest.to === "string" ? `/v2/${repository.repository}${rest.to}` : rest.to;
  return { ...rest, to, scopes };
}
