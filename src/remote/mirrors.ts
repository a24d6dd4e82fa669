import { GcraneError, NetworkError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { fetchAt } from "../runtime/mod.ts";
import { connectMirror, settingsOf } from "../transport/internal.ts";
import type {
  Answer,
  BodyLimit,
  Connection,
  Mirror,
  RegistryRequest,
  TransportOptions,
  WholeAnswer,
} from "../transport/mod.ts";

/** A request for content by its digest; `to` is relative to the name of the repository. */
export interface ContentRequest extends Omit<RegistryRequest, "scopes" | "to"> {
  /** The path: `/blobs/sha256:…`. */
  readonly to: string;
}

/** A server of a repository's content: the registry itself, or a mirror. */
export interface ContentServer {
  /** Sends a request. */
  request(request: ContentRequest): Promise<Answer>;
  /** Sends a request and reads the body too. */
  requestWhole(request: ContentRequest, limit: BodyLimit): Promise<WholeAnswer>;
  /** Returns the `fetch` of the requests to a URL; by default, of those to the server itself. */
  fetchAt(url: URL | undefined, options: AbortOptions): Promise<typeof fetch>;
}

/** The mirrors of a client. They serve content by its digest, which the caller verifies, and nothing else. */
export class Mirrors {
  readonly #options: TransportOptions;
  readonly #connections = new Map<string, Connection>();
  /** The hosts that could not be reached, which are not asked again. */
  readonly #lost = new Set<string>();

  /** Creates an instance; `options` are those of the client. */
  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Reads content from the first mirror of a repository that has it, or else from the registry. */
  async read<T>(
    repository: Repository,
    registry: ContentServer,
    read: (server: ContentServer) => Promise<T>,
    { signal }: AbortOptions,
  ): Promise<T> {
    const { mirrors } = await settingsOf(repository, this.#options);
    for (const mirror of mirrors) {
      if (this.#lost.has(mirror.host)) continue;
      try {
        return await read(this.#serverOf(mirror));
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof GcraneError)) throw error;
        if (error instanceof NetworkError) this.#lost.add(mirror.host);
      }
    }
    return await read(registry);
  }

  #serverOf(mirror: Mirror): ContentServer {
    const { root, repository, query, ...server } = mirror;
    const key = JSON.stringify(server);
    const connection = this.#connections.get(key) ?? connectMirror(mirror, this.#options);
    this.#connections.set(key, connection);
    const there = (request: ContentRequest): RegistryRequest => ({
      ...request,
      to: `${root}/${repository}${request.to}${query ? `?${query}` : ""}`,
      scopes: [`repository:${repository}:pull`],
    });
    return {
      request: (request) => connection.request(repository, there(request)),
      requestWhole: (request, limit) => connection.requestWhole(repository, there(request), limit),
      fetchAt: (url, options) => fetchOf(connection, url, options),
    };
  }
}

/** Returns the `fetch` that a connection sends the requests to a URL by; by default, those to its server. */
export async function fetchOf(
  connection: Connection,
  url: URL | undefined,
  options: AbortOptions,
): Promise<typeof fetch> {
  return await fetchAt(connection.fetch, url ?? (await connection.ping(options)).base);
}
