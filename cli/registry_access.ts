import { UsageError } from "../src/errors.ts";
import type { AccessRule, RegistryAccess, RegistryAction } from "../src/registry/mod.ts";
import { readTextFile } from "../src/runtime/mod.ts";
import { fileFailure } from "../src/io/mod.ts";
import type { Flags, FlagValues } from "./flag.ts";

/** The flags on who may do what. */
export const accessFlags = {
  htpasswd: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    env: "GCRANE_REGISTRY_HTPASSWD",
    help: "Let in only the users of this file, made by htpasswd -B; it is read again when it changes",
  },
  allow: {
    type: "strings",
    valueName: "USER=REPOSITORY:ACTIONS",
    env: "GCRANE_REGISTRY_ALLOW",
    help:
      "Who may do what, instead of every user everything: * is every user, anonymous is everybody; repositories with " +
      "* and **; pull, push and delete",
  },
  anonymousPull: {
    type: "boolean",
    env: "GCRANE_REGISTRY_ANONYMOUS_PULL",
    help: "Let everybody pull",
  },
  tokenAuth: {
    type: "boolean",
    env: "GCRANE_REGISTRY_TOKEN_AUTH",
    help: "Give tokens for passwords, as Docker Hub does, instead of taking a password with each request",
  },
  tokenKey: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    env: "GCRANE_REGISTRY_TOKEN_KEY",
    help: "Sign tokens with this private key (Ed25519 or P-256, as PEM or JWK), which several servers may share",
  },
  tokenTrust: {
    type: "strings",
    valueName: "URL",
    env: "GCRANE_REGISTRY_TOKEN_TRUST",
    help: "Take tokens that are signed with a key of this JWKS too",
  },
  tokenRealm: {
    type: "string",
    valueName: "URL",
    env: "GCRANE_REGISTRY_TOKEN_REALM",
    help: "Send clients to another server for their tokens; needs --token-trust",
  },
  publicUrl: {
    type: "string",
    valueName: "URL",
    env: "GCRANE_REGISTRY_PUBLIC_URL",
    help: "Where clients reach this registry, if it is behind a proxy",
  },
} as const satisfies Flags;

/** Passwords are no matter for a command line, which every user of a machine may read. */
const USERS_VARIABLE = "GCRANE_REGISTRY_USERS";

/** Who may do what, as the flags and the environment say; `undefined` for everybody everything. */
export async function registryAccess(
  flags: FlagValues<typeof accessFlags>,
  environment: (name: string) => string | undefined,
): Promise<RegistryAccess | undefined> {
  const { htpasswd: file, anonymousPull, tokenAuth, tokenKey, tokenTrust, tokenRealm, publicUrl } = flags;
  const users = usersFrom(environment(USERS_VARIABLE));
  const rules = flags.allow.length > 0
    ? flags.allow.flatMap((text) => text.split(/\s+/).filter(Boolean)).map(rule)
    : undefined;
  const isToken = tokenAuth || tokenKey !== undefined || tokenTrust.length > 0 || tokenRealm !== undefined;
  const wanted = isToken || file !== undefined || users !== undefined || rules !== undefined || anonymousPull;
  if (!wanted) return undefined;
  if (tokenRealm !== undefined && tokenTrust.length === 0) {
    throw new UsageError("--token-realm needs --token-trust", {
      hint: "name the JWKS of the server that makes the tokens",
    });
  }
  if (file === undefined && users === undefined && tokenRealm === undefined) {
    throw new UsageError("nobody could sign in", {
      hint: `name users by --htpasswd FILE or the environment variable ${USERS_VARIABLE}`,
    });
  }
  const { basicAccess, checkSigningKey, tokenAccess } = await import("../src/registry/mod.ts");
  const htpasswd = file === undefined ? undefined : () => readTextFile(file);
  if (file !== undefined) basicAccess({ htpasswd: await readNamed(file) }); // so that what is wrong is said at once
  const common = { htpasswd, users, rules, anonymousPull };
  try {
    if (!isToken) return basicAccess(common);
    const signingKey = tokenKey === undefined ? undefined : await readNamed(tokenKey);
    if (signingKey !== undefined) await checkSigningKey(signingKey);
    const trustedKeys = tokenTrust.flatMap((text) => text.split(/\s+/).filter(Boolean)).map((url) =>
      urlOf("--token-trust", url)
    );
    return tokenAccess({
      ...common,
      signingKey,
      trustedKeys,
      realm: tokenRealm === undefined ? undefined : urlOf("--token-realm", tokenRealm),
      publicUrl: publicUrl === undefined ? undefined : urlOf("--public-url", publicUrl),
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--allow: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Reads `user:password`, one to a line. */
function usersFrom(text: string | undefined): Record<string, string> | undefined {
  if (!text?.trim()) return undefined;
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new UsageError(`${USERS_VARIABLE} is not lines of user:password`);
    return [line.slice(0, colon), line.slice(colon + 1)];
  }));
}

function rule(text: string): AccessRule {
  const match = /^(.+)=([^=:]+):([a-z,]+)$/.exec(text);
  if (!match) {
    throw new UsageError(`--allow ${text} is not USER=REPOSITORY:ACTIONS`, {
      hint: "for example ann=team/**:pull,push",
    });
  }
  const [, user, repository, actions] = match;
  return { user, repository, actions: actions.split(",") as RegistryAction[] };
}

function urlOf(flag: string, text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new UsageError(`${flag} ${text} is no URL`, { hint: "it starts with https:// or http://" });
}

/** A file's text, or an error that names it. */
export async function readNamed(file: string): Promise<string> {
  try {
    return await readTextFile(file);
  } catch (error) {
    throw fileFailure(`can't read ${file}`, error);
  }
}
