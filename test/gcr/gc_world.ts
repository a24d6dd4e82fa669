import { staticLayer } from "../../src/image/mod.ts";
import { parseRepository, type Repository } from "../../src/name/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { attachedTag, type Shape } from "./gc_model.ts";

/** What a request is answered with instead of the usual; `undefined` for the usual. */
export type Intervention = (
  request: { method: string; path: string },
  usual: () => Promise<Response>,
) => Promise<Response> | Response | undefined;

export interface GcWorldOptions {
  /**
   * Whether the registry lists no more than tags.
   * @default false
   */
  plain?: boolean;
  /**
   * Whether it has the referrers API.
   * @default true
   */
  referrers?: boolean;
}

/** What a manifest to put is like. */
export interface Content {
  readonly members?: readonly Hash[];
  readonly subject?: Hash;
  /** A digest that an annotation mentions. */
  readonly mentions?: Hash;
  /** Further annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  /** How many hours ago it was uploaded. */
  readonly hours?: number;
  /** The creation time in its config. */
  readonly created?: string;
}

export const host = "registry.example.com";

/** A registry in memory whose past can be made up, and whose answers can be replaced. */
export class GcWorld {
  /** The time there, in milliseconds since the epoch. */
  time = Date.UTC(2026, 0, 1);
  /** Asked first about every request. */
  intervene: Intervention = () => undefined;
  /** The requests so far: method, path and query. */
  readonly requests: string[] = [];
  readonly fetch: typeof fetch;
  readonly #clock = { ago: 0 };
  readonly #descriptors = new Map<Hash, Descriptor>();
  readonly #pusher: Pusher;
  #count = 0;

  constructor(options: GcWorldOptions = {}) {
    const registry = createRegistry({ clock: () => this.time - this.#clock.ago });
    const usual = async (input: Request | URL | string, init?: RequestInit) => {
      const response = await registry.fetch(input, init);
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      if (options.referrers === false && pathname.includes("/referrers/")) return refusal(404, "UNSUPPORTED");
      return options.plain && pathname.endsWith("/tags/list") && response.ok
        ? await withoutExtension(response)
        : response;
    };
    this.fetch = (async (input: Request | URL | string, init?: RequestInit) => {
      const { pathname, search } = new URL(input instanceof Request ? input.url : input);
      const request = { method: init?.method ?? "GET", path: pathname + search };
      this.requests.push(`${request.method} ${request.path}`);
      return await this.intervene(request, () => usual(input, init)) ?? await usual(input, init);
    }) as typeof globalThis.fetch;
    this.#pusher = new Pusher({ fetch: registry.fetch as typeof globalThis.fetch });
  }

  /** What speaks to this registry, at its time. */
  get options(): { fetch: typeof fetch; now: () => number; retry: { attempts: number } } {
    return { fetch: this.fetch, now: () => this.time, retry: { attempts: 1 } };
  }

  get puller(): Puller {
    return new Puller({ fetch: this.fetch });
  }

  /** Puts a manifest that differs from all before: an index if it has members, else an image. */
  async put(name: string, content: Content = {}): Promise<Hash> {
    const { members = [], subject, mentions = "", tags = [], hours = 48, created = "2020-01-01T00:00:00Z" } = content;
    const { annotations = {} } = content;
    const repository = parseRepository(`${host}/${name}`);
    const serial = this.#count++;
    const mediaType = members.length > 0 ? MediaType.OciImageIndex : MediaType.OciManifest;
    const parts = members.length > 0
      ? { manifests: members.map((member) => this.#descriptors.get(member)) }
      : await this.#imageParts(repository, { serial, created });
    const bytes = jsonBytes({
      schemaVersion: 2,
      mediaType,
      ...parts,
      ...(subject ? { subject: this.#descriptors.get(subject) } : {}),
      annotations: { serial: String(serial), mentions, ...annotations },
    });
    this.#clock.ago = hours * 3_600_000;
    const put = (identifier: string) => {
      const reference = identifier.startsWith("sha256:") ? repository.digest(identifier) : repository.tag(identifier);
      return this.#pusher.put(reference, { bytes, mediaType });
    };
    const digest = await put(await digestOfBytes(bytes));
    for (const tag of tags) await put(tag);
    this.#clock.ago = 0;
    this.#descriptors.set(digest, { mediaType, digest, size: bytes.length });
    return digest;
  }

  /** Puts a whole random repository there; gives its digests. */
  async putShapes(name: string, shapes: readonly Shape[]): Promise<Hash[]> {
    const digests: Hash[] = [];
    for (const { members, subject, tags, attached, hours } of shapes) {
      const owned = attached.map(({ owner, ending }) =>
        attachedTag(owner === "absent" ? undefined : digests[owner], ending)
      );
      digests.push(
        await this.put(name, {
          members: members.map((member) => digests[member]),
          ...(subject === undefined ? {} : { subject: digests[subject] }),
          tags: [...tags, ...owned],
          hours,
        }),
      );
    }
    return digests;
  }

  /** Moves a tag to another manifest, or deletes something, without a push. */
  async tag(name: string, tag: string, digest: Hash): Promise<void> {
    await this.#pusher.tag(parseRepository(`${host}/${name}`).digest(digest), tag);
  }

  async remove(name: string, reference: string): Promise<void> {
    const repository = parseRepository(`${host}/${name}`);
    await this.#pusher.delete(
      reference.startsWith("sha256:") ? repository.digest(reference) : repository.tag(reference),
    );
  }

  /** Which of some manifests are there. */
  async there(name: string, digests: readonly Hash[]): Promise<Hash[]> {
    const repository = parseRepository(`${host}/${name}`);
    const found = await Promise.all(digests.map(async (digest) => {
      const { status } = await this.fetch(`https://${host}/v2/${repository.path}/manifests/${digest}`);
      return status === 200 ? [digest] : [];
    }));
    return found.flat();
  }

  async #imageParts(repository: Repository, { serial, created }: { serial: number; created: string }) {
    const config = await staticLayer(
      jsonBytes({ os: "linux", architecture: "amd64", created, serial, rootfs: { type: "layers", diff_ids: [] } }),
      MediaType.OciConfig,
    );
    return { config: await this.#pusher.upload(repository, config), layers: [] };
  }
}

/** An answer that refuses. */
export function refusal(status: number, code: string, message = code): Response {
  return new Response(JSON.stringify({ errors: [{ code, message }] }), {
    status,
    headers: { "content-type": "application/json" },
  });
}

async function withoutExtension(response: Response): Promise<Response> {
  const { name, tags } = await response.json();
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  return new Response(JSON.stringify({ name, tags }), { headers });
}

async function digestOfBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Hash> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
