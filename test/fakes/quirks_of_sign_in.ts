// Quirks of challenges, tokens and pings.

import { inMemory, type WholeAnswer } from "./registry_front.ts";
import { allOf, type Quirk, QUIRK_USER, type QuirkRequest, refusing } from "./quirky_registry.ts";

const BASIC = `Basic ${btoa(`${QUIRK_USER.name}:${QUIRK_USER.password}`)}`;
const TOKEN = "the-token";

type Headers = readonly (readonly [string, string])[];

/** The headers of a challenge, given the token server and the scope. */
const CHALLENGES: Readonly<Record<string, (base: string, scope: string) => Headers>> = {
  bearer: (base, scope) => [["www-authenticate", `Bearer realm="${base}/token",service="s",scope="${scope}"`]],
  basic: () => [["www-authenticate", 'Basic realm="x"']],
  "basic in capitals": () => [["www-authenticate", 'BASIC realm="Repository Manager"']],
  "basic, realm without quotes": () => [["www-authenticate", "Basic realm=/"]],
  "basic without realm": () => [["www-authenticate", "Basic"]],
  "negotiate, then basic": () => [["www-authenticate", "Negotiate"], ["www-authenticate", 'Basic realm="x"']],
  "basic and bearer in one header": (base, scope) => [[
    "www-authenticate",
    `Basic realm="registry", Bearer realm="${base}/token",service="s",scope="${scope}"`,
  ]],
  "negotiate and basic in one header": () => [["www-authenticate", 'Negotiate, Basic realm="a, b"']],
  "negotiate with data, then basic": () => [
    ["www-authenticate", "Negotiate YII=="],
    ["www-authenticate", 'Basic realm="x"'],
  ],
  "bearer without quotes": (base) => [["www-authenticate", `Bearer realm=${base}/token, service=s`]],
  "commas in realm and service": (base, scope) => [[
    "www-authenticate",
    `Bearer realm="${base}/token?a=1,b=2",service="s,t",scope="${scope}"`,
  ]],
  "bearer in small letters": (base, scope) => [
    ["www-authenticate", `bearer realm="${base}/token",service="s",scope="${scope}"`],
  ],
  "a relative realm": (_, scope) => [["www-authenticate", `Bearer realm="/token",service="s",scope="${scope}"`]],
  "bearer without service": (base) => [["www-authenticate", `Bearer realm="${base}/token"`]],
  "spaces in the challenge": (base) => [["www-authenticate", `Bearer  realm = "${base}/token" ,  service = "s"`]],
  "an error in the challenge": (base) => [
    ["www-authenticate", `Bearer realm="${base}/token",service="s",error="invalid_token"`],
  ],
  "bearer, then basic": (base) => [
    ["www-authenticate", `Bearer realm="${base}/token",service="s"`],
    ["www-authenticate", 'Basic realm="x"'],
  ],
  "basic, then bearer": (base) => [
    ["www-authenticate", 'Basic realm="x"'],
    ["www-authenticate", `Bearer realm="${base}/token",service="s"`],
  ],
  "no challenge": () => [],
  "digest": () => [["www-authenticate", 'Digest realm="x", nonce="y"']],
  "a comma at the end of the challenge": (base) => [["www-authenticate", `Bearer realm="${base}/token",service="s",`]],
  "a semicolon in the challenge": (base) => [["www-authenticate", `Bearer realm="${base}/token";service="s"`]],
};

/** Whether the credentials that a challenge asks for are there; either kind where it asks for both. */
function isSignedIn(authorization: string | null): boolean {
  return authorization === BASIC || authorization === `Bearer ${TOKEN}`;
}

const isRead = ({ method }: QuirkRequest) => method === "GET" || method === "HEAD";

function repositoryOf({ url }: QuirkRequest): string | undefined {
  return /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url.pathname)?.[1];
}

function scopeOf(request: QuirkRequest): string {
  return `repository:${repositoryOf(request) ?? "app"}:${isRead(request) ? "pull" : "pull,push"}`;
}

/** The scopes of a request for a token, in one parameter or in several. */
function scopesOf({ url, bytes, method }: QuirkRequest): string[] {
  const params = method === "POST" ? new URLSearchParams(new TextDecoder().decode(bytes)) : url.searchParams;
  return params.getAll("scope").flatMap((scopes) => scopes.split(" "));
}

interface SignInOptions {
  /** The body of the token's answer. */
  readonly token?: unknown;
  /** Answers a token request in another way. */
  readonly onToken?: (request: QuirkRequest) => WholeAnswer | undefined;
  /** Whether the ping needs no credentials. */
  readonly open?: boolean;
  /** Returns whether a request needs no more than it has, in place of the usual judgement. */
  readonly admits?: (request: QuirkRequest) => boolean;
  /** The answer to a token that is no longer valid, in place of a challenge. */
  readonly expired?: number;
}

/** Demands credentials. */
function signIn(challenge: string, options: SignInOptions = {}): Quirk {
  return {
    before(request) {
      const { asked, headers, host } = request;
      if (asked === "token") {
        const other = options.onToken?.(request);
        if (other !== undefined) return other;
        if (headers.get("authorization") !== BASIC) return inMemory(401);
        return inMemory(200, {}, options.token ?? { token: TOKEN });
      }
      // None of these clients knows digest authentication.
      if (challenge === "digest") return { status: 401, headers: CHALLENGES.digest("", "") };
      const { admits = () => isSignedIn(headers.get("authorization")) } = options;
      if (asked === "cdn" || (asked === "ping" && options.open) || admits(request)) return undefined;
      if (options.expired !== undefined && headers.has("authorization") && asked !== "ping") {
        const message = "Your authorization token has expired";
        return inMemory(options.expired, {}, { errors: [{ code: "DENIED", message }] });
      }
      return { status: 401, headers: CHALLENGES[challenge](`http://${host}`, scopeOf(request)) };
    },
  };
}

/** Answers of the token server. */
const TOKENS: Readonly<Record<string, unknown>> = {
  "access_token": { access_token: TOKEN },
  "both names of a token": { token: TOKEN, access_token: TOKEN },
  "an empty token and an access_token": { token: "", access_token: TOKEN },
  "a token that is null": { token: null, access_token: TOKEN, expires_in: null },
  "a lifetime as text": { token: TOKEN, expires_in: "300" },
  "a lifetime of 0": { token: TOKEN, expires_in: 0 },
  "a lifetime below 0": { token: TOKEN, expires_in: -5 },
  "a lifetime with a fraction": { token: TOKEN, expires_in: 299.5 },
  "an issue time that is none": { token: TOKEN, expires_in: 300, issued_at: "yesterday" },
  "an issue time long ago": { token: TOKEN, expires_in: 300, issued_at: "2001-01-01T00:00:00Z" },
  "an issue time to come": { token: TOKEN, expires_in: 300, issued_at: "2099-01-01T00:00:00Z" },
};

/** Gives another token each time, each of which is good for one request. */
const USED_ONCE: SignInOptions = {
  onToken: ({ headers, earlier }) =>
    headers.get("authorization") === BASIC ? inMemory(200, {}, { token: `${TOKEN}-${earlier}` }) : undefined,
  admits({ headers, uses }) {
    const token = headers.get("authorization") ?? "";
    const count = uses.get(token) ?? 0;
    uses.set(token, count + 1);
    return token.startsWith(`Bearer ${TOKEN}-`) && count === 0;
  },
};

/** Gives tokens that name their scopes, and admits what one of these allows. */
const STRICT: SignInOptions = {
  onToken: (request) =>
    request.headers.get("authorization") === BASIC
      ? inMemory(200, {}, { token: btoa(scopesOf(request).join(" ")) })
      : undefined,
  admits(request) {
    const [kind, token] = request.headers.get("authorization")?.split(" ") ?? [];
    if (kind !== "Bearer") return false;
    const repository = repositoryOf(request);
    return repository === undefined || atob(token).split(" ").some((scope) => {
      const [, name, actions = ""] = scope.split(":");
      return name === repository && actions.split(",").includes(isRead(request) ? "pull" : "push");
    });
  },
};

const page = "<!DOCTYPE html><html><body>Sign in</body></html>";

/** Quirks of signing in, by name. */
export const SIGN_IN_QUIRKS: Readonly<Record<string, Quirk>> = {
  ...Object.fromEntries(Object.keys(CHALLENGES).map((name) => [`challenge: ${name}`, signIn(name)])),
  ...Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [`token: ${name}`, signIn("bearer", { token })])),
  "token: as text/plain": signIn("bearer", {
    onToken: ({ headers }) =>
      headers.get("authorization") === BASIC
        ? { ...inMemory(200, {}, { token: TOKEN }), headers: { "content-type": "text/plain" } }
        : undefined,
  }),
  "token: no POST": signIn("bearer", { onToken: ({ method }) => method === "POST" ? inMemory(405) : undefined }),
  "token: 500 the first time": signIn("bearer", {
    onToken: ({ earlier }) => earlier === 0 ? inMemory(500) : undefined,
  }),
  "token: one scope at a time": signIn("bearer", {
    onToken: ({ url }) => url.searchParams.getAll("scope").length > 1 ? inMemory(400) : undefined,
  }),
  "token: needed, though the ping is open": signIn("bearer", { open: true }),
  "token: for its scopes alone": signIn("bearer", STRICT),
  "token: no scopes of repositories that the registry does not have": {
    ...signIn("bearer", {
      onToken: (request) =>
        scopesOf(request).some((scope) => !/^repository:(app|copy|pushed):/.test(scope)) ? inMemory(400) : undefined,
    }),
    copiesFromElsewhere: true,
  },
  "token: for one request": signIn("bearer", USED_ONCE),
  "token: for one request, then 400": signIn("bearer", { ...USED_ONCE, expired: 400 }),
  "token: for one request, then 401 without a challenge": signIn("bearer", { ...USED_ONCE, expired: 401 }),
  "token: for one request, then 403": signIn("bearer", { ...USED_ONCE, expired: 403 }),
  "token: for writes alone": signIn("bearer", {
    open: true,
    admits: (request) => isRead(request) || isSignedIn(request.headers.get("authorization")),
  }),
  "ping: 301 to /v2": { before: ({ url }) => url.pathname === "/v2/" ? redirect("/v2") : undefined },
  "ping: 401 with a page": {
    before: ({ asked }) =>
      asked === "ping" ? { status: 401, headers: { "content-type": "text/html" }, body: page } : undefined,
  },
  "ping: 302 to a page": {
    before: ({ asked, url }) =>
      asked === "ping"
        ? redirect("/login", 302)
        : url.pathname === "/login"
        ? { status: 200, headers: { "content-type": "text/html" }, body: page }
        : undefined,
  },
  "ping: 403": refusing({ asked: "ping" }, 403),
  "ping: 404": refusing({ asked: "ping" }, 404),
  "ping: 500 the first time": refusing({ asked: "ping", times: 1 }, 500),
  "sign-in and pages of HTML as errors": allOf(signIn("basic"), {
    after: (answer) =>
      answer.status < 400 ? answer : { ...answer, headers: { "content-type": "text/html" }, body: page },
  }),
};

function redirect(location: string, status = 301): WholeAnswer {
  return inMemory(status, { location });
}
