import { listedManifests } from "../../gcr/internal.ts";
import { copyRecursively, type CopyRecursivelyOptions, type CopyResult, walkRepositories } from "../../gcr/mod.ts";
import { validate } from "../../src/crane/mod.ts";
import { type Image, type ImageIndex, randomImage, randomIndex } from "../../src/image/mod.ts";
import { appendManifests, changeImage } from "../../src/mutate/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { parseRegistry, parseRepository } from "../../src/name/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { fakeFetch, type FakeRegistry } from "../fakes/mod.ts";

export const SOURCE = "src.example.com";
export const TARGET = "dst.example.com";

/** Answers a request in place of a registry; `undefined` lets the registry answer. */
export type Intercept = (request: { method: string; host: string; path: string }) =>
  | Response
  | undefined
  | Promise<Response | undefined>;

/** Puts something into a registry, under a tag or its digest. */
export type Push = (reference: string, view: Image | ImageIndex) => Promise<Hash>;

/** Does so over a `fetch`. */
export async function pushWith(fetch: typeof globalThis.fetch, ...[reference, view]: Parameters<Push>): Promise<Hash> {
  const [, name, tag] = /^(.*?)(?::([^:/]+))?$/.exec(reference)!;
  const repository = parseRepository(name);
  const named = tag ? repository.tag(tag) : repository.digest(await view.digest());
  return await new Pusher({ fetch }).push(named, view);
}

/** Two registries in memory, what they were asked, and what to do to them. */
export class CopyWorld {
  /** Every request: method, host, path and query. */
  readonly requests: string[] = [];
  /** Asked before each request. */
  intercept: Intercept = () => undefined;
  readonly #handlers: Record<string, typeof fetch>;

  /** Both speak Google's extension unless they are given as fakes, which don't. */
  constructor({ source, target }: { source?: FakeRegistry; target?: FakeRegistry } = {}) {
    this.#handlers = { [SOURCE]: handlerOf(SOURCE, source), [TARGET]: handlerOf(TARGET, target) };
  }

  /** What reaches them. */
  readonly fetch: typeof fetch = async (input, init) => {
    const { host, pathname, search } = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    this.requests.push(`${method} ${host}${pathname}${search}`);
    init?.signal?.throwIfAborted();
    return await this.intercept({ method, host, path: pathname + search }) ?? await this.#handlers[host](input, init);
  };

  /** The requests that change something, the beginning of the method and path of each. */
  get writes(): string[] {
    return this.requests.filter((request) => !/^(GET|HEAD) /.test(request));
  }

  /** Puts something into a registry, under a tag or its digest. */
  readonly push: Push = (reference, view) => pushWith(this.fetch, reference, view);

  /** Copies recursively without waiting between tries. */
  async copy(source: string, target: string, options: CopyRecursivelyOptions = {}): Promise<CopyResult> {
    const retry = { wait: () => Promise.resolve() };
    return await copyRecursively(source, target, { fetch: this.fetch, retry, ...options });
  }

  /** All that is in a registry: for each repository its tags with digests, and the manifests that are listed. */
  async content(host: string): Promise<Record<string, { tags: Record<string, Hash>; digests: Hash[] }>> {
    return await contentOf(host, this.fetch);
  }

  /** Reads everything that a registry lists and checks it. */
  async validate(host: string): Promise<void> {
    await validateAll(host, this.fetch);
  }
}

/** Reads everything that a registry lists and checks it. */
export async function validateAll(host: string, fetch: typeof globalThis.fetch): Promise<void> {
  for (const [name, { digests }] of Object.entries(await contentOf(host, fetch))) {
    for (const digest of digests) await validate(`${host}/${name}@${digest}`, { fetch });
  }
}

/** See {@linkcode CopyWorld.content}. */
export async function contentOf(
  host: string,
  fetch?: typeof globalThis.fetch,
): Promise<Record<string, { tags: Record<string, Hash>; digests: Hash[] }>> {
  const puller = new Puller({ fetch });
  const found: Record<string, { tags: Record<string, Hash>; digests: Hash[] }> = {};
  for await (const { repository, listing } of walkRepositories(parseRegistry(host), { puller })) {
    const manifests = await Array.fromAsync(listedManifests(repository, listing, { puller }));
    if (manifests.length === 0) continue;
    const tags = manifests.flatMap(({ digest, tags }) => tags.map((tag): [string, Hash] => [tag, digest]));
    found[repository.path] = {
      tags: Object.fromEntries(tags.sort(([a], [b]) => a < b ? -1 : 1)),
      digests: manifests.map(({ digest }) => digest),
    };
  }
  return found;
}

function handlerOf(host: string, fake: FakeRegistry | undefined): typeof fetch {
  if (fake) return fakeFetch({ [`https://${host}`]: fake.handle }).fetch;
  return createRegistry().fetch as typeof fetch;
}

export const [amd64, arm64, s390x] = ["amd64", "arm64", "s390x"].map((architecture) => ({ os: "linux", architecture }));

/** A small image, the same for the same seed. */
export function image(seed: number): Image {
  return randomImage({ seed, size: 300, layers: 2 });
}

/** A small index for platforms, the same for the same seed. */
export function index(seed: number, platforms = [amd64, arm64]): ImageIndex {
  return randomIndex({ seed, size: 200, layers: 1, platforms });
}

/** An image that refers to another, as a signature does. */
export async function referrer(seed: number, subject: Image | ImageIndex): Promise<Image> {
  const { mediaType, digest, size } = await subject.descriptor();
  return changeImage(randomImage({ seed, size: 60, layers: 1 }), { subject: { mediaType, digest, size } });
}

/** The tag by which cosign finds what belongs to a manifest. */
export function cosignTag(digest: Hash, ending = ".sig"): string {
  return `${digest.replace(":", "-")}${ending}`;
}

/**
 * Fills the source with all kinds of things: images under several tags, shared layers, indexes, a nested one, manifests
 * without a tag, signatures under cosign's tags and as referrers.
 */
export async function fill(push: Push, host: string = SOURCE): Promise<void> {
  const [app, multi] = [image(1), index(10)];
  const nested = appendManifests(index(20), [index(21)]);
  await push(`${host}/team/app:v1`, app);
  await push(`${host}/team/app:latest`, app);
  await push(`${host}/team/app:v2`, image(2));
  await push(`${host}/team/app`, image(3));
  await push(`${host}/team/app:${cosignTag(await app.digest())}`, image(4));
  await push(`${host}/team/web/multi:v1`, multi);
  await push(`${host}/team/web/multi:shares`, app);
  await push(`${host}/team/web/multi:nested`, nested);
  const signature = await referrer(30, multi);
  await push(`${host}/team/web/multi`, signature);
  await push(`${host}/team/web/multi`, await referrer(31, signature));
  await push(`${host}/other:latest`, app);
}
