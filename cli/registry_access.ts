import { UsageError } from "../src/errors.ts";
import type { AccessSettings, RegistryAccess } from "../src/registry/mod.ts";
import type { Flags, FlagValues } from "./flag.ts";
import { flagName } from "./flag_words.ts";
import { readNamed } from "./named_file.ts";

/** The flags for the access control of a registry. */
export const accessFlags = {
  htpasswd: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    env: "GCRANE_REGISTRY_HTPASSWD",
    help: "Allow only the users in this file of htpasswd -B, which is read again when it changes; " +
      "GCRANE_REGISTRY_USERS=USER:PASSWORD names users too",
  },
  allow: {
    type: "strings",
    valueName: "USER=REPOSITORY:ACTIONS",
    env: "GCRANE_REGISTRY_ALLOW",
    help:
      "Grant permissions, instead of all to every user: * is every user, anonymous is any client; repositories with " +
      "* and **; pull, push and delete",
  },
  allowFile: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    env: "GCRANE_REGISTRY_ALLOW_FILE",
    help: "Grant the permissions in this file, one a line, as by --allow",
  },
  anonymousPull: {
    type: "boolean",
    env: "GCRANE_REGISTRY_ANONYMOUS_PULL",
    help: "Allow pulls without a login",
  },
  tokenAuth: {
    type: "boolean",
    env: "GCRANE_REGISTRY_TOKEN_AUTH",
    help: "Issue tokens for passwords, as Docker Hub does, instead of requiring a password with each request",
  },
  tokenKey: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    env: "GCRANE_REGISTRY_TOKEN_KEY",
    help: "Sign tokens with this private key (Ed25519 or P-256, as PEM or JWK), which several servers can share",
  },
  tokenTrust: {
    type: "strings",
    valueName: "URL",
    env: "GCRANE_REGISTRY_TOKEN_TRUST",
    help: "Also accept tokens that are signed with a key of this JWKS",
  },
  tokenRealm: {
    type: "string",
    valueName: "URL",
    env: "GCRANE_REGISTRY_TOKEN_REALM",
    help: "Direct clients to another token server; requires --token-trust",
  },
  publicUrl: {
    type: "string",
    valueName: "URL",
    env: "GCRANE_REGISTRY_PUBLIC_URL",
    help: "The URL of this registry for clients, if it is behind a proxy",
  },
} as const satisfies Flags;

/**
 * The variable with users and passwords, which must not be on the command line, as every user of the machine can read
 * it.
 */
const USERS_VARIABLE = "GCRANE_REGISTRY_USERS";

/** Work that requires sign-in: none, pushes, all that rules do not grant to anonymous clients, or all. */
export type SignIn = "nothing" | "push" | "ungranted" | "everything";

/** The access control of a running registry. */
export interface ServedAccess extends RegistryAccess {
  /** The part of the work that clients have to sign in for, as the registry starts. */
  readonly signIn: SignIn;
  /** Reads the files of the flags again, which may have other values. If that fails, everything stays as it was. */
  reload(flags: FlagValues<typeof accessFlags>): Promise<void>;
}

/**
 * Returns the access control of the flags and the environment, which is unrestricted without any.
 *
 * @param warn called when the file of users can't be read while the registry serves
 */
export async function registryAccess(
  flags: FlagValues<typeof accessFlags>,
  environment: (name: string) => string | undefined,
  warn: (message: string) => void,
): Promise<ServedAccess> {
  const { generateSigningKey, openAccess } = await import("../src/registry/internal.ts");
  let ownKey: string | undefined;
  const read = async (flags: FlagValues<typeof accessFlags>) => {
    // Generated once, so that tokens outlive a reload.
    if (flags.tokenAuth && flags.tokenKey === undefined) ownKey ??= await generateSigningKey();
    return await readAccess(flags, { environment, ownKey, warn }) ?? { access: openAccess, signIn: "nothing" as const };
  };
  const { access, signIn } = await read(flags);
  let current = access;
  return {
    signIn,
    admit: (question) => current.admit(question),
    serve: async (question) => await current.serve?.(question),
    async reload(flags) {
      current = (await read(flags)).access;
    },
  };
}

async function readAccess(
  flags: FlagValues<typeof accessFlags>,
  options: {
    environment: (name: string) => string | undefined;
    ownKey: string | undefined;
    warn: (message: string) => void;
  },
): Promise<{ access: RegistryAccess; signIn: SignIn } | undefined> {
  const { environment, ownKey, warn } = options;
  const { accessFromSettings } = await import("../src/registry/mod.ts");
  const { checkSigningKey } = await import("../src/registry/internal.ts");
  const { summary } = await import("./failure.ts");
  const { htpasswd: file, tokenKey: keyFile, allow, allowFile, ...rest } = flags;
  const tokenKey = keyFile === undefined ? flags.tokenAuth ? ownKey : undefined : await readNamed(keyFile);
  if (keyFile !== undefined) await checkSigningKey(tokenKey!);
  const rules = allowFile === undefined ? [] : (await readNamed(allowFile)).replaceAll(/^\s*#.*$/gm, "");
  const granted = allow.concat(rules);
  const make = (htpasswd: AccessSettings["htpasswd"]) => {
    const settings = { ...rest, allow: granted, htpasswd, tokenKey, users: environment(USERS_VARIABLE) };
    try {
      const access = accessFromSettings(settings, {
        label: (name) => name === "users" ? USERS_VARIABLE : `--${flagName(name)}`,
        onUsersError: (error) => warn(`${summary(error)}; the users of ${file} stay as they were`),
      });
      return access && { access, signIn: signInFor(granted, flags) };
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
    }
  };
  if (file === undefined) return make(undefined);
  let first: string | undefined = await readNamed(file);
  make(first); // reports an invalid line immediately
  return make(() => {
    const text = first;
    first = undefined; // the file may be away at the first request
    return text ?? readNamed(file);
  });
}

/** Returns what clients have to sign in for if there are users. */
function signInFor(granted: readonly string[], { anonymousPull }: { anonymousPull: boolean }): SignIn {
  if (granted.some((text) => /(?:^|\s)anonymous=/.test(text))) return "ungranted";
  return anonymousPull ? "push" : "everything";
}
