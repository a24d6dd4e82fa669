import { UsageError } from "../src/errors.ts";
import type { AccessSettings, RegistryAccess } from "../src/registry/mod.ts";
import { readTextFile } from "../src/runtime/mod.ts";
import { fileFailure } from "../src/io/mod.ts";
import type { Flags, FlagValues } from "./flag.ts";
import { flagName } from "./flag_words.ts";

/** The flags for the access control of a registry. */
export const accessFlags = {
  htpasswd: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    env: "GCRANE_REGISTRY_HTPASSWD",
    help: "Admit only the users of this file, made by htpasswd -B; it is read again when it changes",
  },
  allow: {
    type: "strings",
    valueName: "USER=REPOSITORY:ACTIONS",
    env: "GCRANE_REGISTRY_ALLOW",
    help:
      "Allow actions by rules, instead of all actions to every user: * is every user, anonymous is every client; repositories with " +
      "* and **; pull, push and delete",
  },
  anonymousPull: {
    type: "boolean",
    env: "GCRANE_REGISTRY_ANONYMOUS_PULL",
    help: "Let every client pull",
  },
  tokenAuth: {
    type: "boolean",
    env: "GCRANE_REGISTRY_TOKEN_AUTH",
    help: "Exchange passwords for tokens, as Docker Hub does, instead of a password with each request",
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
    help: "Accept tokens that are signed with a key of this JWKS too",
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

/**
 * The variable with users and passwords, which must not be on the command line, as every user of the machine can read
 * it.
 */
const USERS_VARIABLE = "GCRANE_REGISTRY_USERS";

/** Returns the access control of the flags and the environment, or `undefined` for unrestricted access. */
export async function registryAccess(
  flags: FlagValues<typeof accessFlags>,
  environment: (name: string) => string | undefined,
): Promise<RegistryAccess | undefined> {
  const { accessFromSettings, checkSigningKey } = await import("../src/registry/mod.ts");
  const { htpasswd: file, tokenKey, ...rest } = flags;
  const make = (htpasswd: AccessSettings["htpasswd"], key?: string) => {
    const settings = { ...rest, htpasswd, tokenKey: key, users: environment(USERS_VARIABLE) };
    try {
      return accessFromSettings(settings, {
        label: (name) => name === "users" ? USERS_VARIABLE : `--${flagName(name)}`,
      });
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
    }
  };
  const key = tokenKey === undefined ? undefined : await readNamed(tokenKey);
  if (key !== undefined) await checkSigningKey(key);
  if (file === undefined) return make(undefined, key);
  make(await readNamed(file), key); // reports an invalid key immediately
  return make(() => readTextFile(file), key);
}

/** Reads a text file; an error names it. */
export async function readNamed(file: string): Promise<string> {
  try {
    return await readTextFile(file);
  } catch (error) {
    throw fileFailure(`can't read ${file}`, error);
  }
}
