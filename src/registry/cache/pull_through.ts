import { HttpError } from "../../errors.ts";
import { Limits, SharedWork } from "../../io/mod.ts";
import { parseReferrersPage, parseTagsPage, REFERRERS_STATUSES } from "../../remote/internal.ts";
import { type ByteStream, runtimeName } from "../../runtime/mod.ts";
import { type Hash, hashAlgorithm, isHash, MediaType, parseIndexManifest } from "../../spec/mod.ts";
import { nextLink } from "../../transport/internal.ts";
import { serveBlob, serveStream } from "../http/blobs.ts";
import { CachedManifests } from "./cached_manifests.ts";
import type { RegistryContext, RepositoryRequest } from "../http/context.ts";
import type { CacheOutcome } from "../http/exchange.ts";
import { listTags } from "../http/listings.ts";
import { serveManifest } from "../http/manifests.ts";
import { listReferrers, replyReferrers, replyReferrersPage } from "../http/referrers.ts";
import { refuse, replyJson } from "../http/reply.ts";
import { ManifestUses } from "./manifest_uses.ts";
import { SharedFetch } from "./shared_fetch.ts";
import type { StoredBlob } from "../stores/store.ts";
import { isAbsent, isRefused, type ProxyOptions, Upstream } from "./upstream.ts";

/** The headers that describe how the cache got an answer (RFC 9211, and `Warning` of RFC 7234). */
const OUTCOMES: Readonly<Record<CacheOutcome, Record<string, string>>> = {
  hit: { "Cache-Status": "gcrane; hit" },
  miss: { "Cache-Status": "gcrane; fwd=miss; stored" },
  stale: {
    "Cache-Status": 'gcrane; hit; fwd=stale; detail="the upstream does not answer"',
    "Warning": '110 gcrane "Response is Stale"',
  },
};

/** Options of {@linkcode PullThrough}. */
export interface PullThroughOptions extends ProxyOptions {
  /** Called with each failure whose details the client does not get. */
  readonly onError: (error: unknown, request: Request) => void;
}

/** A fetch of a blob that is under way. */
interface Fetching {
  readonly size: number;
  readonly fetching: SharedFetch;
}

/** A pull-through cache: it answers from the store, and fetches what is missing from another registry. */
export class PullThrough {
  readonly #context: RegistryContext;
  readonly #options: PullThroughOptions;
  readonly #upstream: Upstream;
  readonly #manifests: CachedManifests;
  readonly #uses: ManifestUses;
  readonly #blobs = new SharedWork<Fetching>({ keep: true });

  /** Creates the cache over a registry's store. */
  constructor(context: RegistryContext, options: PullThroughOptions) {
    this.#context = context;
    this.#options = options;
    this.#upstream = new Upstream(options, context.clock);
    this.#manifests = new CachedManifests(context, this.#upstream);
    this.#uses = new ManifestUses(context);
  }

  /** Returns the upstream's name of a repository, under which it is kept. */
  nameOf(name: string): string {
    return this.#upstream.repository(name).path;
  }

  /** Answers GET and HEAD of a manifest. */
  async manifest(asked: RepositoryRequest, reference: string): Promise<Response> {
    return await this.#answering(asked, async () => {
      const outcome = await this.#manifests.bring(asked.name, reference);
      const response = await serveManifest(this.#context, asked, reference);
      const digest = response.headers.get("Docker-Content-Digest");
      if (isHash(digest)) await this.#uses.note(asked.name, digest);
      return this.#marked(asked, outcome, response);
    });
  }

  /** Answers GET and HEAD of a blob. */
  async blob(asked: RepositoryRequest, digest: Hash): Promise<Response> {
    const { name, exchange, request } = asked;
    return await this.#answering(asked, async () => {
      const { repositories, store } = this.#context;
      const serve = async (outcome: CacheOutcome) =>
        this.#marked(asked, outcome, await serveBlob(this.#context, asked, digest));
      if (await repositories.blob(name, digest)) return await serve("hit");
      if (request.method === "HEAD" || await store.blobs.get(digest)) {
        const size = await this.#sizeOf(name, digest, request.signal);
        if (request.method === "HEAD") return this.#marked(asked, "miss", await serveStream(asked, { digest, size }));
        // It was fetched for another repository, and the upstream has just confirmed that this one has it too.
        if (await repositories.mountBlob(name, digest, undefined)) return await serve("hit");
      }
      const { size, fetching } = await this.#fetching(asked, digest);
      exchange.context.waitUntil?.(fetching.kept.catch(() => {}));
      const read = (part: { offset: number; length: number }) => fetching.follow(part);
      return this.#marked(asked, "miss", await serveStream(asked, { digest, size, read }));
    });
  }

  /** Answers the list of tags: the upstream's, or that of the store while the upstream does not answer. */
  async tags(asked: RepositoryRequest): Promise<Response> {
    const { name, url, request } = asked;
    return await this.#listing(asked, () => listTags(this.#context, asked), async () => {
      const repository = this.#upstream.repository(name);
      const answer = await this.#upstream.puller.client.requestWhole(repository, {
        method: "GET",
        to: `/tags/list${url.search}`,
        access: "pull",
        expect: [200],
        patience: "slow",
        signal: request.signal,
      }, { limit: Limits.manifest, what: `the tags of ${repository}` });
      const { tags } = parseTagsPage(answer, repository);
      const next = nextLink(answer);
      return replyJson({ name, tags }, {
        headers: next ? { "Link": `<${url.pathname}?${next.searchParams}>; rel="next"` } : {},
      });
    });
  }

  /** Answers the list of referrers: the upstream's page, or that of the store while the upstream does not answer. */
  async referrers(asked: RepositoryRequest, subject: Hash): Promise<Response> {
    const { name, url, request: { signal } } = asked;
    return await this.#listing(asked, () => listReferrers(this.#context, asked, subject), async () => {
      const reference = this.#upstream.repository(name).digest(subject);
      const answer = await this.#upstream.puller.client.requestWhole(reference.repository, {
        method: "GET",
        to: `/referrers/${subject}${url.search}`,
        access: "pull",
        expect: REFERRERS_STATUSES,
        headers: { accept: MediaType.OciImageIndex },
        patience: "slow",
        signal,
      }, { limit: Limits.manifest, what: `the referrers of ${reference}` });
      const page = parseReferrersPage(answer);
      if (page) return replyReferrersPage(asked, page, nextLink(answer)?.searchParams.toString());
      // Without the API, the whole list is in one manifest under a tag.
      const index = await this.#upstream.puller.referrers(reference, { signal });
      const { manifests } = parseIndexManifest(await index.rawManifest(), `the referrers of ${reference}`);
      const sorted = manifests.toSorted((one, other) => one.digest < other.digest ? -1 : 1);
      return await replyReferrers(
        asked,
        (after = "" as Hash) => Promise.resolve({ referrers: sorted.filter(({ digest }) => digest > after) }),
      );
    });
  }

  async #sizeOf(name: string, digest: Hash, signal: AbortSignal): Promise<number> {
    const layer = await this.#upstream.puller.layer(this.#upstream.repository(name).digest(digest), { signal });
    return await layer.size();
  }

  /**
   * Joins the fetch of a blob that is under way, or starts one. On Workers each request has its own, as requests there
   * can't share a stream.
   */
  #fetching(asked: RepositoryRequest, digest: Hash): Promise<Fetching> {
    if (runtimeName() === "workerd") return this.#fetch(asked, digest);
    return this.#blobs.run(blobKey(asked.name, digest), {}, () => this.#fetch(asked, digest));
  }

  async #fetch({ name, request }: RepositoryRequest, digest: Hash): Promise<Fetching> {
    const layer = await this.#upstream.puller.layer(this.#upstream.repository(name).digest(digest));
    const fetching = new SharedFetch(await layer.compressed(), (stream) => this.#keep(name, digest, stream));
    fetching.kept
      .catch((error) => this.#options.onError(error, request))
      .finally(() => this.#blobs.forget(blobKey(name, digest)));
    return { size: await layer.size(), fetching };
  }

  async #keep(name: string, digest: Hash, stream: ByteStream): Promise<StoredBlob> {
    const { store, sessions, repositories } = this.#context;
    const session = await sessions.start(name, hashAlgorithm(digest));
    try {
      await store.uploads.append(session.id, stream, { algorithm: session.algorithm });
    } catch (error) {
      await sessions.cancel(session).catch(() => {}); // the first failure counts
      throw error;
    }
    await repositories.receiveBlob(name, digest, () => sessions.finish(session, digest));
    return (await store.blobs.get(digest))!;
  }

  /** Answers with the upstream's list, or with that of the store. */
  async #listing(
    asked: RepositoryRequest,
    local: () => Promise<Response>,
    remote: () => Promise<Response>,
  ): Promise<Response> {
    const stale = async () => {
      const response = await local();
      return response.ok ? this.#marked(asked, "stale", response) : undefined;
    };
    return await this.#answering(asked, async () => {
      const kept = this.#upstream.rests ? await stale() : undefined;
      if (kept) return kept;
      try {
        return this.#marked(asked, "miss", await remote());
      } catch (error) {
        const kept = this.#upstream.isDown(error) ? await stale() : undefined;
        if (kept) return kept;
        throw error;
      }
    });
  }

  async #answering(asked: RepositoryRequest, answer: () => Promise<Response>): Promise<Response> {
    try {
      return await answer();
    } catch (error) {
      const refusal = this.#refusal(error, asked);
      if (refusal) return refusal;
      throw error;
    }
  }

  /** Makes the response to a failure of the upstream; `undefined` if the failure is the registry's own. */
  #refusal(error: unknown, { exchange, request }: RepositoryRequest): Response | undefined {
    if (isAbsent(error)) {
      const code = exchange.route === "blob"
        ? "BLOB_UNKNOWN"
        : exchange.route === "tags"
        ? "NAME_UNKNOWN"
        : "MANIFEST_UNKNOWN";
      return refuse(404, code, { message: "the upstream does not have it" });
    }
    if (isRefused(error)) {
      return refuse(403, "DENIED", {
        message: "the upstream refuses access: there is no such repository, or the cache may not read it",
      });
    }
    if (error instanceof HttpError && error.status === 429) {
      const seconds = Math.ceil((error.retryAfter ?? 60_000) / 1000);
      return refuse(429, "TOOMANYREQUESTS", {
        message: "the upstream limits the rate of requests",
        headers: { "Retry-After": String(seconds) },
      });
    }
    if (!this.#upstream.isDown(error) && !isWrong(error)) return undefined;
    if (!request.signal.aborted) this.#options.onError(error, request);
    return refuse(502, "UNKNOWN", {
      message: "the upstream does not answer, or not correctly; the log has the details",
    });
  }

  #marked({ exchange }: RepositoryRequest, outcome: CacheOutcome, response: Response): Response {
    if (response.status >= 400) return response;
    exchange.cache = outcome;
    for (const [name, value] of Object.entries(OUTCOMES[outcome])) response.headers.set(name, value);
    return response;
  }
}

function blobKey(name: string, digest: Hash): string {
  return `${name}@${digest}`;
}

/** Returns whether an error is that of an invalid answer of the upstream. */
function isWrong(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return [
    "MANIFEST_INVALID",
    "PROTOCOL_INVALID",
    "DIGEST_MISMATCH",
    "SIZE_MISMATCH",
    "LIMIT_EXCEEDED",
    "URL_REFUSED",
    "HTTP_STATUS",
  ]
    .includes(code as string);
}
