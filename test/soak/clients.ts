import { createHash, randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";

const REPOSITORIES = ["one", "two", "three"];
const IMAGE = "application/vnd.oci.image.manifest.v1+json";

/** For how long a request is sent again while servers are killed and started, in milliseconds. */
const PATIENCE_MS = 300_000;

/** A server was killed before its answer was complete. */
class CutOff extends Error {}

/**
 * Clients that push, pull, tag and delete through several servers, break off some reads, and know what must be there in
 * the end. What a killed server did not acknowledge is done again until a server does.
 */
export class Clients {
  readonly #urls: () => readonly string[];
  readonly #load: { readonly tags: number; readonly running: number };
  readonly #tags: Map<string, Map<string, string>> = new Map(REPOSITORIES.map((name) => [name, new Map()]));
  readonly #busy: Set<string> = new Set();
  readonly #running: Set<Promise<void>> = new Set();
  /** Layers that images share, so that mounts and HEADs find some; large ones do not fit into the buffers of a socket. */
  readonly #layers: readonly Uint8Array<ArrayBuffer>[] = Array.from(
    { length: 20 },
    (_, index) => bytesOf(index % 5 === 0 ? 3_000_000 : 200_000),
  );
  readonly #counts: Map<string, number> = new Map();
  #failure: { error: unknown } | undefined;

  /** Makes them for the servers that run at the time of a request; `load` bounds the tags of a repository and the work. */
  constructor(urls: () => readonly string[], load: { readonly tags: number; readonly running: number }) {
    this.#urls = urls;
    this.#load = load;
  }

  /** Begins something at random. @throws what went wrong earlier. */
  begin(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#running.size >= this.#load.running) return;
    const name = pick(REPOSITORIES);
    const tag = `t${Math.floor(Math.random() * this.#load.tags)}`;
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
    if (known && roll < 0.2) return this.#pull(name, known);
    if (known && roll < 0.3) return this.#breakOff(name, known);
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
    await this.#again(async () => {
      const begun = await this.#ask("POST", `/v2/${name}/blobs/uploads/`);
      const location = begun.headers.get("Location")!;
      const half = Math.floor(bytes.length / 2);
      // A chunk that was not acknowledged may be there in part, so the upload starts anew.
      await this.#expect(202, this.#ask("PATCH", location, { body: bytes.slice(0, half) }));
      await this.#expect(202, this.#ask("PATCH", location, { body: bytes.slice(half) }));
      await this.#expect(201, this.#ask("PUT", `${location}?digest=${digest}`));
    });
    this.#count("uploads");
  }

  async #pull(name: string, digest: string): Promise<void> {
    for (const part of await this.#parts(name, digest)) {
      const bytes = await this.#expect(200, this.#send("GET", `/v2/${name}/blobs/${part.digest}`));
      if (digestOf(bytes) !== part.digest) throw new Error(`${part.digest} has other bytes`);
    }
    this.#count("pulls");
  }

  async #parts(name: string, digest: string): Promise<{ digest: string }[]> {
    const manifest = await this.#expect(200, this.#send("GET", `/v2/${name}/manifests/${digest}`));
    const { config, layers } = JSON.parse(new TextDecoder().decode(manifest));
    return [config, ...layers];
  }

  /** Reads some bytes of each blob of an image and breaks off. */
  async #breakOff(name: string, digest: string): Promise<void> {
    for (const part of await this.#parts(name, digest)) {
      await this.#again(async () => {
        const answer = await this.#request("GET", `/v2/${name}/blobs/${part.digest}`);
        if (answer.status !== 200) throw new Error(`${part.digest} is answered with ${answer.status}`);
        const reader = answer.body!.getReader();
        await reader.read().catch(cutOff);
        await wait(Math.random() * 20);
        await reader.cancel().catch(() => {}); // the server may be gone
      });
    }
    this.#count("reads broken off");
  }

  /** Pushes the manifest of a tag once more, under the same tag: its digest has to stay. */
  async #retag(name: string, tag: string, digest: string): Promise<void> {
    const body = await this.#expect(200, this.#send("GET", `/v2/${name}/manifests/${digest}`));
    const put = this.#send("PUT", `/v2/${name}/manifests/${tag}`, { body, headers: { "Content-Type": IMAGE } });
    await this.#expect(201, put);
    this.#count("tags");
  }

  /** Deletes an image. The second request finds nothing if the first one did its work and was not answered. */
  async #delete(name: string, tag: string, digest: string): Promise<void> {
    this.#tags.get(name)!.delete(tag);
    const path = `/v2/${name}/manifests/${digest}`;
    let attempts = 0;
    await this.#again(async () => {
      attempts++;
      const { status } = await this.#ask("DELETE", path);
      if (status !== 202 && (attempts === 1 || status !== 404)) throw new Error(`DELETE ${path}: ${status}`);
    });
    this.#count("deletes");
  }

  /** Begins uploads that are never completed. */
  async #abandon(name: string): Promise<void> {
    const stray = bytesOf(10_000);
    await this.#again(async () => {
      const begun = await this.#ask("POST", `/v2/${name}/blobs/uploads/`);
      await this.#expect(202, this.#ask("PATCH", begun.headers.get("Location")!, { body: bytesOf(10_000) }));
    });
    const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(stray)}`;
    await this.#expect(201, this.#send("POST", path, { body: stray }));
    this.#count("abandoned");
  }

  async #expect(status: number, asked: Promise<Answer>): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await asked;
    if (answer.status === status) return answer.bytes;
    throw new Error(`${answer.line}: ${answer.status} ${new TextDecoder().decode(answer.bytes)}`);
  }

  /** Sends a request that may be done twice, until it is answered. */
  async #send(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    return await this.#again(() => this.#ask(method, path, init));
  }

  /** Repeats what a kill cut off. */
  async #again<T>(act: () => Promise<T>): Promise<T> {
    const end = Date.now() + PATIENCE_MS;
    while (true) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof CutOff)) throw error;
        if (Date.now() > end) throw new Error(`no server answers for ${PATIENCE_MS / 1000} s`, { cause: error });
        this.#count("cut off");
        await wait(100);
      }
    }
  }

  async #ask(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await this.#request(method, path, init);
    const bytes = new Uint8Array(await answer.arrayBuffer().catch(cutOff));
    return { line: `${method} ${path}`, status: answer.status, headers: answer.headers, bytes };
  }

  async #request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(`${pick(this.#urls())}${path}`, { method, ...init }).catch(cutOff);
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

interface Answer {
  readonly line: string;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function cutOff(cause: unknown): never {
  throw new CutOff("a request was cut off", { cause });
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
