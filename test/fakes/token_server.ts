import { bytesOf, type FakeAnswer, type FakeRequest, utf8 } from "./messages.ts";

/** A server that issues tokens to `ann` with the password `s3cret`, and to anonymous clients for pulls. */
export class TokenServer {
  /** What was asked for, one list for each exchange. */
  readonly asked: string[][] = [];
  /** Additional fields of the token response. */
  extra: Record<string, unknown> = {};
  readonly #given = new Map<string, string[]>();
  #count = 0;

  /** Answers a request. */
  async answer({ method, url, headers, body }: FakeRequest): Promise<FakeAnswer> {
    if (method !== "GET" && method !== "POST") return { status: 405 };
    const form = new URLSearchParams(method === "POST" ? new TextDecoder().decode(await bytesOf(body)) : "");
    const scopes = method === "POST" ? (form.get("scope") ?? "").split(" ") : url.searchParams.getAll("scope");
    this.asked.push(scopes);
    const shown = headers.get("authorization");
    if (shown !== null && shown !== `Basic ${btoa("ann:s3cret")}`) return { status: 401, body: "wrong password" };
    const granted = shown === null && method === "GET"
      ? scopes.map((scope) => scope.replace(/:[^:]*$/, ":pull"))
      : scopes;
    const token = `token-${++this.#count}`;
    this.#given.set(token, granted);
    const answer = { token, expires_in: 300, ...this.extra };
    return { status: 200, headers: { "content-type": "application/json" }, body: utf8(JSON.stringify(answer)) };
  }

  /** Whether an authorization header holds a token of this server. */
  knows(authorization: string | null): boolean {
    return this.#given.has(authorization?.replace(/^Bearer /, "") ?? "");
  }

  /** Whether the token in an authorization header allows something. */
  allows(authorization: string | null, needed: string): boolean {
    const [type, name, action] = parts(needed);
    return (this.#given.get(authorization?.replace(/^Bearer /, "") ?? "") ?? []).map(parts)
      .some((scope) => scope[0] === type && scope[1] === name && scope[2].split(",").includes(action));
  }

  /** Takes every token back. */
  revoke(): void {
    this.#given.clear();
  }
}

/** `repository:a/b:pull,push` in its three parts. */
function parts(scope: string): [string, string, string] {
  const [type, ...rest] = scope.split(":");
  return [type, rest.slice(0, -1).join(":"), rest.at(-1) ?? ""];
}
