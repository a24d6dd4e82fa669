// A registry in memory behind a server with a quirk: something that registries do, rightly or wrongly.

import { createRegistry } from "../../src/registry/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type FakeServer, fakeServer } from "./http_server.ts";
import { bytesOf, type FakeOutcome, type FakeRequest } from "./messages.ts";
import { type Asked, askedOf, askRegistry, inMemory, type WholeAnswer } from "./registry_front.ts";

/** A request to a registry with a quirk. */
export interface QuirkRequest {
  readonly method: string;
  readonly asked: Asked;
  readonly url: URL;
  readonly headers: Headers;
  readonly bytes: Bytes;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** How many requests of this method for the same kind of thing came before. */
  readonly earlier: number;
  /** How often each token was used, for quirks that count it. */
  readonly uses: Map<string, number>;
}

/** A quirk. */
export interface Quirk {
  /** The address of the server; `127.0.0.1` by default. */
  readonly address?: string;
  /** Whether images are copied into it from another registry, in place of one of its own repositories. */
  readonly copiesFromElsewhere?: boolean;
  /** Answers in place of the registry, or changes the request; `undefined` leaves it as it is. */
  readonly before?: (request: QuirkRequest) => FakeOutcome | { readonly instead: QuirkRequest } | undefined;
  /** Changes the answer. */
  readonly after?: (answer: WholeAnswer, request: QuirkRequest) => FakeOutcome;
}

/** The user of the registries with authentication. */
export const QUIRK_USER = { name: "u", password: "p" };

/** A running registry with a quirk. */
export class QuirkyRegistry {
  readonly registry = createRegistry();
  readonly #quirk: Quirk;
  readonly #counts = new Map<string, number>();
  readonly #uses = new Map<string, number>();
  #server: FakeServer | undefined;

  constructor(quirk: Quirk) {
    this.#quirk = quirk;
  }

  async start(): Promise<this> {
    this.#server = await fakeServer((request) => this.#answer(request), this.#quirk.address);
    return this;
  }

  get host(): string {
    return this.#server!.host;
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  async #answer(request: FakeRequest): Promise<FakeOutcome> {
    const { method, url, headers } = request;
    const asked = askedOf(request);
    const key = `${method} ${asked}`;
    const earlier = this.#counts.get(key) ?? 0;
    this.#counts.set(key, earlier + 1);
    const bytes = await bytesOf(request.body);
    const whole = { method, asked, url, headers, host: this.host, earlier, uses: this.#uses, bytes };
    const early = this.#quirk.before?.(whole);
    if (early !== undefined && !(typeof early === "object" && "instead" in early)) return early;
    const passed = early === undefined ? whole : early.instead;
    const answer = await this.#forward(passed);
    return this.#quirk.after?.(answer, passed) ?? answer;
  }

  async #forward(request: QuirkRequest): Promise<WholeAnswer> {
    const { method, asked, url, headers, bytes } = request;
    if (asked === "token") return inMemory(200, {}, { token: "token" });
    const path = url.pathname.replace(/^\/cdn/, "") + url.search;
    const answer = await askRegistry(this.registry, { method, path, headers, bytes });
    if (asked !== "tags" || answer.status !== 200) return answer;
    // Without the fields of Google's extension, as most registries answer.
    const { name, tags } = JSON.parse(new TextDecoder().decode(answer.body));
    const { "content-length": _, ...kept } = answer.headers;
    return inMemory(200, kept, { name, tags });
  }
}

/** Combines quirks: each may answer, then each changes the answer. */
export function allOf(...quirks: readonly Quirk[]): Quirk {
  return {
    before(request) {
      let passed = request;
      for (const { before } of quirks) {
        const early = before?.(passed);
        if (early === undefined) continue;
        if (typeof early === "object" && "instead" in early) passed = early.instead;
        else return early;
      }
      return passed === request ? undefined : { instead: passed };
    },
    after: (answer, request) =>
      quirks.reduce<FakeOutcome>(
        (outcome, { after }) =>
          typeof outcome === "object" ? after?.(outcome as WholeAnswer, request) ?? outcome : outcome,
        answer,
      ),
  };
}

/** Chooses requests by method and by what they ask for, either of which may be left open. */
export interface Which {
  readonly method?: string;
  readonly asked?: Asked;
  /** Only so many of the first ones. */
  readonly times?: number;
}

export function matches({ method, asked, times = Infinity }: Which, request: QuirkRequest): boolean {
  return (method === undefined || method === request.method) && (asked === undefined || asked === request.asked) &&
    request.earlier < times;
}

/** Answers some requests with a status, and a list of errors as body. */
export function refusing(which: Which, status: number, headers: Readonly<Record<string, string>> = {}): Quirk {
  const body = { errors: [{ code: "UNKNOWN", message: "no" }] };
  return { before: (request) => matches(which, request) ? inMemory(status, headers, body) : undefined };
}

/** Sets headers of some answers; `undefined` removes one. Of answers with success alone. */
export function withHeaders(
  which: Which,
  change: (answer: WholeAnswer, request: QuirkRequest) => Readonly<Record<string, string | undefined>>,
): Quirk {
  return {
    after(answer, request) {
      if (!matches(which, request) || answer.status >= 300) return answer;
      const headers: Record<string, string | undefined> = { ...answer.headers };
      for (const [name, value] of Object.entries(change(answer, request))) headers[name] = value;
      return { ...answer, headers };
    },
  };
}

/** Changes the status of the answers that are a success. */
export function withStatus(which: Which, status: number): Quirk {
  return {
    after: (answer, request) => matches(which, request) && answer.status < 300 ? { ...answer, status } : answer,
  };
}

/** Changes the bodies of the answers that are a success. */
export function withBody(which: Which, change: (body: Bytes) => Bytes, headers: Record<string, string> = {}): Quirk {
  return {
    after(answer, request) {
      if (!matches(which, request) || answer.status >= 300) return answer;
      const { "content-length": _, ...kept } = answer.headers;
      return { ...answer, headers: { ...kept, ...headers }, body: change(answer.body) };
    },
  };
}
