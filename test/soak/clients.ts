import { createHash, randomBytes } from "node:crypto";

const REPOSITORIES = ["one", "two", "three"];
const TAGS = 12;
const IMAGE = "application/vnd.oci.image.manifest.v1+json";

/** Clients that push, pull, tag and delete through several servers, and know what must be there in the end. */
export class Clients {
  readonly #urls: readonly string[];
  readonly #tags: Map<string, Map<string, string>> = new Map(REPOSITORIES.map((name) => [name, new Map()]));
  readonly #busy: Set<string> = new Set();
  readonly #running: Set<Promise<void>> = new Set();
  /** Layers that images share, so that mounts and HEADs find some. */
  readonly #layers: readonly Uint8Array<ArrayBuffer>[] = Array.from({ length: 20 }, () => bytesOf(200_000));
  readonly #counts: Map<string, number> = new Map();
  #failure: { error: unknown } | undefined;

  /** Makes them for these servers. */
  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** Begins something at random. @throws what went wrong earlier. */
  begin(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#running.size > 30) return;
    const name = pick(REPOSITORIES);
    const tag = `t${Math.floor(Math.random() * TAGS)}`;
    const place = `${name}:${tag}`;
    if (this.#busy.has(place)) return;
    this.#busy.add(place);
    const running = this.#act(name, tag)
      .catch((error) => void (this.#failure ??= { error }))
      .finally(() => {
        this.#busy.delete(place);
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  /** Waits for all that was begun. @throws what went wrong. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.error;
  }

  /** What must be there: the tags of each repository, with their digests. */
  expected(): ReadonlyMap<string, ReadonlyMap<string, string>> {
    return this.#tags;
  }

  /** How much was done of what. */
  summary(): string {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`).join(", ");
  }

  #act(name: string, tag: string): Promise<void> {
    const known = this.#tags.get(name)!.get(tag);
    const roll = Math.random();
    if (known && roll < 0.3) return this.#pull(name, known);
    if (known && roll < 0.4) return this.#retag(name, tag, known);
    if (known && roll < 0.55) return this.#delete(name, tag, known);
    if (roll < 0.6) return this.#abandon(name);
    return this.#push(name, tag);
  }

  async #push(name: string, tag: string): Promise<void> {
    const config = new TextEncoder().encode(JSON.stringify({ of: `${name}:${tag}`, at: Math.random() }));
    const parts = [config, pick(this.#layers), pick(this.#layers), bytesOf(50_000)];
    for (let attempt = 1; attempt <= 3; attempt++) {
      for (const bytes of parts) await this.#pushBlob(name, bytes);
      const [first, ...layers] = parts.map((bytes) => ({
        mediaType: "application/octet-stream",
        digest: digestOf(bytes),
        size: bytes.length,
      }));
      const body = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config: first, layers });
      const answer = await this.#send("PUT", `/v2/${name}/manifests/${tag}`, {
        body,
        headers: { "Content-Type": IMAGE },
      });
      if (answer.status === 201) {
        const digest = digestOf(new TextEncoder().encode(body));
        this.#tags.get(name)!.set(tag, digest);
        this.#count("pushes");
        return await this.#pull(name, digest);
      }
      if (answer.status !== 400) throw new Error(`a manifest is answered with ${answer.status}`);
      this.#count("manifests refused"); // a blob went between its HEAD and the manifest
    }
    throw new Error(`${name}:${tag} is refused again and again`);
  }

  async #pushBlob(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const digest = digestOf(bytes);
    if ((await this.#send("HEAD", `/v2/${name}/blobs/${digest}`)).status === 200) return this.#count("blobs found");
    const mount = await this.#send("POST", `/v2/${name}/blobs/uploads/?mount=${digest}&from=${pick(REPOSITORIES)}`);
    if (mount.status === 201) return this.#count("mounts");
    const location = mount.headers.get("Location")!;
    const half = Math.floor(bytes.length / 2);
    await this.#expect(202, "PATCH", location, { body: bytes.slice(0, half) });
    await this.#expect(202, "PATCH", location, { body: bytes.slice(half) });
    await this.#expect(201, "PUT", `${location}?digest=${digest}`);
    this.#count("uploads");
  }

  async #pull(name: string, digest: string): Promise<void> {
    const manifest = await this.#expect(200, "GET", `/v2/${name}/manifests/${digest}`);
    const { config, layers } = JSON.parse(new TextDecoder().decode(manifest));
    for (const part of [config, ...layers]) {
      const bytes = await this.#expect(200, "GET", `/v2/${name}/blobs/${part.digest}`);
      if (digestOf(bytes) !== part.digest) throw new Error(`${part.digest} has other bytes`);
    }
    this.#count("pulls");
  }

  /** Pushes the manifest of a tag once more, under the same tag: its digest has to stay. */
  async #retag(name: string, tag: string, digest: string): Promise<void> {
    const body = await this.#expect(200, "GET", `/v2/${name}/manifests/${digest}`);
    await this.#expect(201, "PUT", `/v2/${name}/manifests/${tag}`, { body, headers: { "Content-Type": IMAGE } });
    this.#count("tags");
  }

  async #delete(name: string, tag: string, digest: string): Promise<void> {
    this.#tags.get(name)!.delete(tag);
    await this.#expect(202, "DELETE", `/v2/${name}/manifests/${digest}`);
    this.#count("deletes");
  }

  /** Begins uploads that are never completed. */
  async #abandon(name: string): Promise<void> {
    const begun = await this.#send("POST", `/v2/${name}/blobs/uploads/`);
    await this.#expect(202, "PATCH", begun.headers.get("Location")!, { body: bytesOf(10_000) });
    const stray = bytesOf(10_000);
    await this.#expect(201, "POST", `/v2/${name}/blobs/uploads/?digest=${digestOf(stray)}`, { body: stray });
    this.#count("abandoned");
  }

  async #expect(
    status: number,
    method: string,
    path: string,
    init: RequestInit = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.#send(method, path, init);
    if (answer.status === status) return answer.bytes;
    throw new Error(`${method} ${path}: ${answer.status} ${new TextDecoder().decode(answer.bytes)}`);
  }

  async #send(method: string, path: string, init: RequestInit = {}) {
    const answer = await fetch(`${pick(this.#urls)}${path}`, { method, ...init });
    const { status, headers } = answer;
    return { status, headers, bytes: new Uint8Array(await answer.arrayBuffer()) };
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)];
}

function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(randomBytes(size));
}
