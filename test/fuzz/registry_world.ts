// Two registries with content, and servers in front of them, one of which changes what it answers.

import { type Image, randomImage, randomIndex } from "../../src/image/mod.ts";
import { changeImage } from "../../src/mutate/mod.ts";
import { createRegistry, type RegistryHandler } from "../../src/registry/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import {
  askedOf,
  askRegistry,
  bytesOf,
  digestOf,
  type FakeOutcome,
  type FakeRequest,
  type FakeServer,
  fakeServer,
  inMemory,
  type WholeAnswer,
} from "../fakes/mod.ts";
import type { Random } from "../make/random.ts";
import { type AnswerMutation, chooseMutation } from "./answer_mutations.ts";

/** What the client is signed in with, and what it is given; none of it may be printed. */
export const SECRETS = {
  user: "ann",
  password: "password-secret-7f3a",
  token: "token-secret-91bc",
  url: "signed-secret-url",
};

/** Something that a registry is given. */
interface Put {
  readonly repository: string;
  /** A digest, or for a manifest also a tag. */
  readonly name: string;
  readonly bytes: Bytes;
  /** The media type of a manifest; none for a blob. */
  readonly mediaType?: string;
}

/** The content of a registry: `team/app` with `v1`, `v2`, `multi`, referrers and garbage, and `team/lib` with `v1`. */
export class Content {
  readonly puts: Put[] = [];
  /** Digests of manifests by their tag in `team/app`. */
  readonly tags = new Map<string, Hash>();
  /** A manifest that nothing leads to. */
  garbage: Hash = "sha256:";

  static async make(): Promise<Content> {
    const content = new Content();
    const image = randomImage({ seed: 1, layers: 2, size: 60_000, compression: "gzip" });
    await content.#add("team/app", "v1", image);
    await content.#add("team/app", "v2", changeImage(image, { labels: { version: "2" } }));
    const index = randomIndex({ seed: 2, images: 2, size: 500, compression: "gzip" });
    for (const { view } of await index.children()) if (view.kind === "image") await content.#add("team/app", "", view);
    const multi = await index.rawManifest();
    content.#manifest("team/app", "multi", multi, MediaType.OciImageIndex);
    content.garbage = await content.#add("team/app", "", changeImage(image, { labels: { version: "none" } }));
    await content.#add("team/lib", "v1", changeImage(image, { labels: { library: "yes" } }));
    const v1 = content.tags.get("v1")!;
    const referrer = await content.#add("team/app", "", image, {
      size: (await image.rawManifest()).length,
      digest: v1,
    });
    content.#manifest("team/app", v1.replace(":", "-") + ".sig", content.bytesOf(referrer), MediaType.OciManifest);
    return content;
  }

  /** The bytes of a manifest. */
  bytesOf(digest: string): Bytes {
    return this.puts.find((put) => put.mediaType !== undefined && digestOf(put.bytes) === digest)!.bytes;
  }

  /** Gives all of it to a registry; `prefix` is put in front of the repositories. */
  async fill(registry: RegistryHandler, prefix = ""): Promise<void> {
    for (const { repository, name, bytes, mediaType } of this.puts) {
      const base = `http://registry/v2/${prefix}${repository}`;
      const { status } = mediaType === undefined
        ? await registry.fetch(`${base}/blobs/uploads/?digest=${name}`, { method: "POST", body: bytes })
        : await registry.fetch(`${base}/manifests/${name}`, {
          method: "PUT",
          body: bytes,
          headers: { "content-type": mediaType },
        });
      if (status !== 201) throw new Error(`the registry answered ${status} to ${repository} ${name}`);
    }
  }

  /** Returns what a registry lacks of it. */
  async missing(registry: RegistryHandler, { prefix = "", except = [] as readonly string[] } = {}): Promise<string[]> {
    const missing: string[] = [];
    for (const { repository, name, bytes, mediaType } of this.puts) {
      if (except.includes(name) || except.includes(digestOf(bytes))) continue;
      const room = mediaType === undefined ? "blobs" : "manifests";
      const answer = await registry.fetch(`http://registry/v2/${prefix}${repository}/${room}/${name}`);
      const held = answer.status === 200 ? digestOf(new Uint8Array(await answer.arrayBuffer())) : answer.status;
      if (held !== digestOf(bytes)) missing.push(`${repository} ${name}: ${held}`);
    }
    return missing;
  }

  async #add(
    repository: string,
    tag: string,
    image: Image,
    subject?: { readonly size: number; readonly digest: Hash },
  ): Promise<Hash> {
    for (const layer of await image.layers()) {
      this.#blob(repository, new Uint8Array(await new Response(await layer.compressed()).arrayBuffer()));
    }
    this.#blob(repository, await image.rawConfigFile());
    const manifest = JSON.parse(new TextDecoder().decode(await image.rawManifest()));
    const bytes = subject === undefined ? await image.rawManifest() : jsonBytes({
      ...manifest,
      artifactType: "application/x.signature",
      subject: { mediaType: manifest.mediaType, ...subject },
    });
    return this.#manifest(repository, tag, bytes, manifest.mediaType);
  }

  #blob(repository: string, bytes: Bytes): void {
    this.puts.push({ repository, name: digestOf(bytes), bytes });
  }

  #manifest(repository: string, tag: string, bytes: Bytes, mediaType: string): Hash {
    const digest = digestOf(bytes);
    this.puts.push({ repository, name: digest, bytes, mediaType });
    if (tag !== "") this.puts.push({ repository, name: tag, bytes, mediaType });
    if (tag !== "" && repository === "team/app") this.tags.set(tag, digest);
    return digest;
  }
}

/** A change of the answers to some requests. */
interface Rule {
  readonly kind: RegExp;
  readonly mutation: AnswerMutation;
  skip: number;
  times: number;
}

/** A registry behind a server that demands a token, redirects blobs perhaps, and changes what it answers. */
export class MutatingServer {
  readonly registry = createRegistry();
  /** Whether a change was made. */
  changed = false;
  /** Whether a change was made that may be a lie. */
  lied = false;
  readonly #rules: readonly Rule[];
  readonly #trace: (line: string) => void;
  readonly #redirects: boolean;
  #server: FakeServer | undefined;

  /** Chooses no rules where `random` is missing. */
  constructor(trace: (line: string) => void, random?: Random) {
    this.#trace = trace;
    this.#redirects = random?.chance(0.3) ?? false;
    this.#rules = random === undefined ? [] : Array.from({ length: random.integer(1, 4) }, () => ruleOf(random));
  }

  /** Starts it. */
  async start(): Promise<this> {
    this.#server = await fakeServer((request) => this.#answer(request));
    return this;
  }

  get host(): string {
    return this.#server!.host;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#server?.close();
  }

  async #answer(request: FakeRequest): Promise<FakeOutcome> {
    const kind = `${request.method} ${askedOf(request)}`;
    const answer = await this.#truth(request, kind);
    const rule = this.#rules.find((rule) => rule.kind.test(kind) && rule.times > 0 && rule.skip-- <= 0);
    if (rule === undefined) return answer;
    rule.times--;
    this.changed = true;
    this.lied ||= rule.mutation.lies;
    this.#trace(`${request.method} ${request.url.pathname}: ${rule.mutation.name}`);
    return rule.mutation.apply(answer);
  }

  async #truth({ method, url, headers, body }: FakeRequest, kind: string): Promise<WholeAnswer> {
    const bytes = await bytesOf(body);
    if (kind.endsWith(" token")) return inMemory(200, {}, { token: SECRETS.token, expires_in: 300 });
    if (kind.endsWith(" cdn")) {
      const path = url.pathname.replace(/^\/cdn/, "");
      return await askRegistry(this.registry, { method: "GET", path, headers, bytes });
    }
    if (headers.get("authorization") !== `Bearer ${SECRETS.token}`) {
      const challenge = `Bearer realm="http://${this.host}/token",service="fuzz"`;
      return inMemory(401, { "www-authenticate": challenge });
    }
    if (this.#redirects && kind === "GET blob") {
      return inMemory(307, { location: `/cdn${url.pathname}?X-Amz-Signature=${SECRETS.url}` });
    }
    return await askRegistry(this.registry, { method, path: url.pathname + url.search, headers, bytes });
  }
}

const KINDS = [
  /./,
  /^GET /,
  /^HEAD /,
  /^(POST|PATCH|PUT|DELETE) /,
  / (ping|token)$/,
  / tags$/,
  / catalog$/,
  / manifest$/,
  / blob$/,
  / cdn$/,
  / upload$/,
  / referrers$/,
  /^DELETE /,
];

function ruleOf(random: Random): Rule {
  return {
    kind: random.pick(KINDS),
    mutation: chooseMutation(random),
    skip: random.pick([0, 0, 0, 0, 1, 2, 5]),
    times: random.pick([1, 4, Infinity, Infinity]),
  };
}

/** Returns what an image in a registry lacks, by its digest: manifests and blobs that are not there whole. */
export async function incomplete(registry: RegistryHandler, repository: string, digest: string): Promise<string[]> {
  const answer = await registry.fetch(`http://registry/v2/${repository}/manifests/${digest}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (answer.status !== 200 || digestOf(bytes) !== digest) return [`manifest ${digest}: ${answer.status}`];
  const { manifests = [], layers = [], config } = JSON.parse(new TextDecoder().decode(bytes));
  const missing: string[] = [];
  for (const member of manifests) missing.push(...await incomplete(registry, repository, member.digest));
  for (const { digest } of [...layers, ...(config ? [config] : [])]) {
    const blob = await registry.fetch(`http://registry/v2/${repository}/blobs/${digest}`);
    if (blob.status !== 200 || digestOf(new Uint8Array(await blob.arrayBuffer())) !== digest) {
      missing.push(`blob ${digest}: ${blob.status}`);
    }
  }
  return missing;
}
