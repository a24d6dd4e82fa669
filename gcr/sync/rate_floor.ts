import { fetchFor } from "../../src/http/mod.ts";
import type { Repository } from "../../src/name/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import type { CopyContext } from "../copy_context.ts";
import { reportedWait } from "../copy_run.ts";

/** The requests that registries have left for this client, as they report them with manifests (Docker Hub does). */
export class RateFloor {
  readonly #left = new Map<string, number>();
  /** The `fetch` whose responses are read. */
  readonly fetch: typeof fetch;

  /** Creates the reader of a `fetch`. */
  constructor(fetcher: typeof fetch = fetchFor()) {
    this.fetch = async (input, init) => {
      const response = await fetcher(input, init);
      const { host } = new URL(input instanceof Request ? input.url : input);
      const left = /^\s*(\d+)/.exec(response.headers.get("ratelimit-remaining") ?? "");
      if (left) this.#left.set(host, Number(left[1]));
      return response;
    };
  }

  /** Waits until the registry of the source has at least `min` requests left. One that reports none has enough. */
  async pass(
    run: CopyContext,
    { source, digest, min, retryMs }: { source: Repository; digest: Hash; min: number; retryMs: number },
  ): Promise<void> {
    const { options: { retry }, signal } = run;
    while ((this.#left.get(source.registry.name) ?? min) < min) {
      await reportedWait(retryMs, { retry, signal }, (event) => run.tell(event));
      await run.reader.head(source.digest(digest), { signal });
    }
  }
}
