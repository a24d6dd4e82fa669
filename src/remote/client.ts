import type { Registry, Repository } from "../name/mod.ts";
import { pullScope, scope } from "../name/mod.ts";
import { type Answer, type BodyLimit, Connection, type RegistryRequest, type WholeAnswer } from "../transport/mod.ts";
import type { ProgressOptions, RemoteOptions } from "./options.ts";

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

/** The connections to every registry that is spoken to, one each. */
export class RemoteClient {
  /** What it was made with. */
  readonly options: RemoteOptions;
  readonly #connections: Map<string, Connection>;

  /** Makes it; nothing is sent before something is asked for. */
  constructor(options: RemoteOptions, connections: Map<string, Connection> = new Map()) {
    this.options = options;
    this.#connections = connections;
  }

  /** A client on the same connections that tells somebody else of progress. */
  telling({ onProgress, onReadProgress }: ProgressOptions): RemoteClient {
    return new RemoteClient({ ...this.options, onProgress, onReadProgress }, this.#connections);
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

  /** Sends a request within a repository. `to` begins after the repository's name: `/tags/list`. */
  async request(repository: Repository, request: RepositoryRequest): Promise<Answer> {
    return await this.connection(repository.registry).request(repository.repository, ofRegistry(repository, request));
  }

  /** As {@linkcode RemoteClient.request}, but reads the body too. */
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
