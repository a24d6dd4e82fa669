import { createHash } from "node:crypto";
import { main } from "../../cli/main.ts";
import type { Io } from "../../cli/io.ts";
import { MediaType } from "../../src/spec/mod.ts";

/** The tags of one page. */
const PAGE = 1_000;
const SOURCE = "source.example.com";
const TARGET = "target.example.com";
/** The repository in which everything is. */
export const SOURCE_REPOSITORY = `${SOURCE}/app`;
/** The repository that is empty. */
export const TARGET_REPOSITORY = `${TARGET}/app`;

const encoder = new TextEncoder();
const json = (value: unknown) => encoder.encode(JSON.stringify(value));
const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const CONFIG = json({});

/** A manifest, or another content with a media type. */
interface Typed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
}

/** What a simulated registry holds: functions of numbers, so that the content takes no memory. */
export interface SimulatedContent {
  /** The number of blobs, which are distinct. */
  readonly blobs: number;
  /** The number of artifacts; the one of a number has some of the blobs. */
  readonly artifacts: number;
  /** The blobs of an artifact. */
  readonly blobsOf: (artifact: number) => readonly number[];
  /** Whether each artifact has a tag, `t000001`; one of the index `index` otherwise. */
  readonly tagged: boolean;
}

interface Digests {
  /** The number of each digest: positive for artifacts, negative for blobs. */
  readonly numbers: ReadonlyMap<string, number>;
  /** The members of the index. */
  readonly members: readonly { readonly digest: string; readonly size: number }[];
}

/**
 * A registry that computes its content: artifacts of small blobs, with a tag each or in one index; and an empty one
 * beside it, which takes everything and keeps nothing.
 */
export class SimulatedRegistry {
  /** The requests so far. */
  calls = 0;
  readonly #content: SimulatedContent;
  #digests: Digests | undefined;

  constructor(content: SimulatedContent) {
    this.#content = content;
  }

  /** Computes all digests, which only some commands ask for. */
  get #known(): Digests {
    return this.#digests ??= this.#digestAll();
  }

  #digestAll(): Digests {
    const { blobs, artifacts, tagged } = this.#content;
    const numbers = new Map<string, number>();
    const members: { digest: string; size: number }[] = [];
    for (let i = 0; i < blobs; i++) numbers.set(digestOf(this.#blob(i)), -1 - i);
    for (let i = 0; i < artifacts; i++) {
      const { bytes } = this.#artifact(i);
      const digest = digestOf(bytes);
      numbers.set(digest, i);
      if (!tagged) members.push({ digest, size: bytes.length });
    }
    return { numbers, members };
  }

  /** Answers a request to either registry. */
  readonly fetch: typeof fetch = async (input, init) => {
    this.calls++;
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    if (url.pathname === "/v2/") return new Response("{}");
    if (method !== "GET" && method !== "HEAD") return await this.#write(url, method, init?.body);
    const found = url.host === SOURCE ? this.#find(url) : undefined;
    if (found === undefined) return new Response(`{"errors":[{"code":"UNKNOWN"}]}`, { status: 404 });
    if (found instanceof Response) return found;
    const headers = {
      "content-type": found.mediaType,
      "content-length": `${found.bytes.length}`,
      "docker-content-digest": digestOf(found.bytes),
    };
    return new Response(method === "HEAD" ? null : found.bytes, { headers });
  };

  async #write(url: URL, method: string, body: unknown): Promise<Response> {
    const bytes = body === undefined || body === null
      ? new Uint8Array()
      : new Uint8Array(await new Response(body as BodyInit).arrayBuffer());
    if (method === "DELETE") return new Response(null, { status: 202 });
    const location = `/v2/app/blobs/uploads/1`;
    if (url.pathname.includes("/manifests/")) {
      return new Response(null, { status: 201, headers: { location, "docker-content-digest": digestOf(bytes) } });
    }
    if (method === "PUT") {
      const digest = url.searchParams.get("digest")!;
      return new Response(null, { status: 201, headers: { location, "docker-content-digest": digest } });
    }
    const range = `0-${Math.max(bytes.length - 1, 0)}`;
    return new Response(null, { status: 202, headers: { location, range } });
  }

  #find(url: URL): Typed | Response | undefined {
    if (url.pathname === "/v2/_catalog") {
      return { mediaType: "application/json", bytes: json({ repositories: ["app"] }) };
    }
    const [, kind, name] = /^\/v2\/app\/(tags|manifests|blobs|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === "tags") return this.#tags(url.searchParams.get("last"));
    if (kind === "manifests") return this.#manifest(name);
    if (kind === "referrers") {
      return { mediaType: MediaType.OciImageIndex, bytes: json({ schemaVersion: 2, manifests: [] }) };
    }
    if (kind !== "blobs") return undefined;
    const number = this.#known.numbers.get(name);
    const bytes = number === undefined ? CONFIG : this.#blob(-1 - number);
    return { mediaType: "application/octet-stream", bytes };
  }

  #tags(last: string | null): Response {
    const from = last === null ? 0 : Number(last.slice(1)) + 1;
    const to = Math.min(from + PAGE, this.#content.tagged ? this.#content.artifacts : 0);
    const tags = Array.from({ length: Math.max(to - from, 0) }, (_, i) => tagOf(from + i));
    const headers = {
      "content-type": "application/json",
      ...(to < this.#content.artifacts && { link: `</v2/app/tags/list?n=${PAGE}&last=${tags.at(-1)}>; rel="next"` }),
    };
    return new Response(JSON.stringify({ name: "app", tags }), { headers });
  }

  #manifest(name: string): Typed | undefined {
    if (name === "index") return this.#index();
    const number = this.#content.tagged && /^t\d+$/.test(name) ? Number(name.slice(1)) : this.#known.numbers.get(name);
    return number === undefined || number < 0 ? undefined : this.#artifact(number);
  }

  #index(): Typed {
    const manifests = this.#known.members.map((known) => ({ mediaType: MediaType.OciManifest, ...known }));
    return {
      mediaType: MediaType.OciImageIndex,
      bytes: json({ schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests }),
    };
  }

  #artifact(number: number): Typed {
    const layers = this.#content.blobsOf(number).map((blob) => {
      const bytes = this.#blob(blob);
      return { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length };
    });
    const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(CONFIG), size: CONFIG.length };
    const manifest = {
      schemaVersion: 2,
      mediaType: MediaType.OciManifest,
      artifactType: "text/plain",
      config,
      layers,
      annotations: { number: `${number}` },
    };
    return { mediaType: MediaType.OciManifest, bytes: json(manifest) };
  }

  #blob(number: number): Uint8Array<ArrayBuffer> {
    return encoder.encode(`the content of blob ${number}`);
  }
}

/** Returns the tag of an artifact. */
export function tagOf(artifact: number): string {
  return `t${String(artifact).padStart(6, "0")}`;
}

/** Runs a command line, of which the output is discarded. @throws {Error} with its messages if it fails */
export async function runLine(words: readonly string[], fetch: typeof globalThis.fetch): Promise<void> {
  let messages = "";
  const io: Io = {
    stdout: { write: () => Promise.resolve(), terminal: () => undefined },
    stderr: { write: (text) => void (messages = (messages + text).slice(-2_000)), terminal: () => undefined },
    stdin: () => new Blob().stream(),
    ask: () => undefined,
    environment: (name) => name === "HOME" ? "/nonexistent" : undefined,
    onInterrupt: () => () => {},
    onHangUp: () => () => {},
    isHangUpIgnored: () => false,
    onUnhandledError: () => () => {},
    removeTemporaries: () => {},
    exit: () => {},
    clock: { now: () => performance.now(), after: () => () => {} },
    fetch,
  };
  const code = await main(words, io);
  if (code !== 0) throw new Error(`gcrane ${words.join(" ")} ended with ${code}: ${messages}`);
}
