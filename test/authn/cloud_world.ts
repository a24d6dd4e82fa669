import { assertEquals, assertFalse } from "@std/assert";
import type { CloudKeychainOptions } from "../../src/authn/google/mod.ts";
import { bytesOf, type FakeOutcome, type FakeRequest, type FakeServer, fakeServer, STALL } from "../fakes/mod.ts";

/** A request as a server of the world sees it. */
export interface Asked {
  readonly method: string;
  /** As the client asked for it: the address of the server that plays it is not in it. */
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** Plays a server. */
export type Player = (asked: Asked) => FakeOutcome | Promise<FakeOutcome>;

const ORIGIN = "x-world-origin";

/** Environment, files, a clock and the servers of a cloud, played by one server on the loopback interface. */
export class CloudWorld {
  readonly environment: Record<string, string> = {};
  readonly files: Record<string, string> = {};
  /** What was read of the two, in order. */
  readonly looked: string[] = [];
  readonly warnings: string[] = [];
  /** What was asked, in order. */
  readonly asked: Asked[] = [];
  /** How long was waited before trying again. */
  readonly waits: number[] = [];
  /** After how long what did not answer was given up. */
  readonly givenUpAfter: number[] = [];
  /** The time. */
  now = Date.parse("2026-03-04T05:06:07Z");
  readonly #players = new Map<string, Player>();
  readonly #timers = new Set<() => void>();
  readonly #failures: unknown[] = [];
  #server: FakeServer | undefined;

  /** Starts the server. */
  async open(): Promise<this> {
    this.#server = await fakeServer((request) => this.#play(request));
    return this;
  }

  /** Ends the server. @throws {AssertionError} when a player was asked something else than it expects. */
  async close(): Promise<void> {
    await this.#server?.close();
    for (const failure of this.#failures) throw failure;
  }

  /** Has a server play an origin: `https://oauth2.googleapis.com`. */
  play(origin: string, player: Player): this {
    this.#players.set(origin, player);
    return this;
  }

  /** The options that put a keychain into this world. */
  get options(): Required<CloudKeychainOptions> {
    return {
      home: "/home/ann",
      environment: (name) => {
        this.looked.push(`$${name}`);
        return this.environment[name];
      },
      readFile: (path) => {
        this.looked.push(path);
        return Promise.resolve(this.files[path]);
      },
      fetch: this.#fetch as typeof fetch,
      now: () => this.now,
      wait: (ms, signal) => this.#wait(ms, signal),
      warn: (message) => void this.warnings.push(message),
    };
  }

  /** The paths that were asked for, as `METHOD /path`. */
  get paths(): string[] {
    return this.asked.map(({ method, url }) => `${method} ${url.pathname}`);
  }

  /** Lets the time go on. */
  pass(seconds: number): void {
    this.now += seconds * 1000;
  }

  readonly #fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!this.#players.has(url.origin)) {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error(url.href), { code: "ECONNREFUSED" }) });
    }
    const headers = new Headers(init.headers);
    headers.set(ORIGIN, url.origin);
    return await fetch(new URL(url.pathname + url.search, `http://${this.#server!.host}`), { ...init, headers });
  };

  /** A wait that its end calls off is for an answer; the others are before trying again. */
  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) {
      this.waits.push(ms);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const fire = () => {
        this.givenUpAfter.push(ms);
        resolve();
      };
      this.#timers.add(fire);
      signal.addEventListener("abort", () => {
        this.#timers.delete(fire);
        reject(signal.reason);
      }, { once: true });
    });
  }

  async #play({ method, url, headers, body }: FakeRequest): Promise<FakeOutcome> {
    const origin = headers.get(ORIGIN) ?? url.origin;
    headers.delete(ORIGIN);
    const asked = {
      method,
      url: new URL(url.pathname + url.search, origin),
      headers,
      body: new TextDecoder().decode(await bytesOf(body)),
    };
    this.asked.push(asked);
    try {
      const outcome = await this.#players.get(origin)!(asked);
      if (outcome === STALL) { for (const fire of this.#timers) fire(); }
      return outcome;
    } catch (error) {
      this.#failures.push(error);
      return { status: 400, body: "see what close() throws" };
    }
  }
}

/** A form that was posted. It must say that it is one. */
export function formOf({ method, headers, body }: Asked): Record<string, string> {
  assertEquals(method, "POST");
  assertEquals(headers.get("content-type")?.split(";")[0], "application/x-www-form-urlencoded");
  return Object.fromEntries(new URLSearchParams(body));
}

/** Returns the messages of an error and of all its causes. */
export function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { hint } = error as { hint?: string };
  return [error.message, error.stack, hint, everythingOf(error.cause)].join("\n");
}

/** Fails if a text holds a secret. */
export function assertNoSecrets(texts: readonly string[], secrets: readonly string[]): void {
  for (const text of texts) {
    for (const secret of secrets) assertFalse(text.includes(secret), `a secret is in: ${text}`);
  }
}

/** Runs a test in a world of its own. */
export async function inWorld(test: (world: CloudWorld) => Promise<void>): Promise<void> {
  const world = await new CloudWorld().open();
  try {
    await test(world);
  } finally {
    await world.close();
  }
}
