import {
  anonymous,
  basic,
  type CloudName,
  cloudOf,
  type CredentialHelper,
  credentialHelper,
  defaultKeychain,
  dockerConfigKeychain,
  type Keychain,
  lazyKeychain,
  multiKeychain,
  parseDockerConfig,
  refreshingKeychain,
} from "../src/authn/mod.ts";
import { AuthError, UsageError } from "../src/errors.ts";
import { baseName } from "../src/runtime/mod.ts";
import type { Context } from "./command.ts";
import type { FlagValues } from "./flag.ts";
import { keychainNames } from "./global_flags.ts";
import { networkFetch } from "./network.ts";
import { nearest } from "./suggest.ts";

/** The part of the context that keychains need. */
export type KeychainWorld = Pick<Context, "environment" | "warn" | "fetch" | "certificates"> & HelperWorld;

/** The part of the context that credential helpers need. */
export type HelperWorld = Pick<Context, "environment" | "ask" | "note">;

/** A kind of keychain: its argument after a colon, and its constructor. */
interface Kind {
  /** The name of the argument; missing if there is none. */
  readonly argument?: string;
  /** Whether the argument may be left out. */
  readonly optional?: boolean;
  readonly make: (argument: string, world: KeychainWorld) => Keychain;
}

const KINDS: Readonly<Record<typeof keychainNames[number], Kind>> = {
  google: { make: (_, world) => cloud("google", world) },
  docker: { argument: "FILE", optional: true, make: dockerKeychain },
  ecr: { make: (_, world) => cloud("ecr", world) },
  acr: { make: (_, world) => cloud("acr", world) },
  github: { make: (_, world) => cloud("github", world) },
  kubernetes: { argument: "[NAMESPACE/]ACCOUNT", optional: true, make: serviceAccountKeychain },
  secrets: { argument: "FILE", make: (file) => secretsFileKeychain(file) },
  env: { argument: "PREFIX", make: environmentKeychain },
  anonymous: { make: () => ({ resolve: () => Promise.resolve(anonymous) }) },
};

/** The default keychains: each cloud is used only for its own registries. */
const DEFAULT_KEYCHAINS: readonly string[] = ["google", "docker", "ecr", "acr", "github"];

/**
 * Returns a keychain that tries the named keychains in order, or the default ones without names.
 *
 * @throws {UsageError} for an unknown name, and for a superfluous or missing argument.
 */
export function keychainOf(names: readonly string[], world: KeychainWorld): Keychain {
  const chosen = names.length === 0 ? DEFAULT_KEYCHAINS : names;
  return multiKeychain(...chosen.map((name) => oneKeychain(name.trim(), world)));
}

function oneKeychain(text: string, world: KeychainWorld): Keychain {
  const [, word, argument] = /^([^:]*):?(.*)$/s.exec(text)!;
  const name = keychainNames.find((it) => it === word);
  if (name === undefined) {
    const near = nearest(word, keychainNames);
    const hint = near ? `did you mean ${near}?` : `there are ${keychainNames.join(", ")}`;
    throw new UsageError(`there is no keychain ${JSON.stringify(word)}`, { hint });
  }
  const kind = KINDS[name];
  if (argument !== "" && kind.argument === undefined) {
    throw new UsageError(`the keychain ${name} takes no argument`, { hint: `write ${name} alone` });
  }
  if (argument === "" && kind.argument !== undefined && !kind.optional) {
    throw new UsageError(`the keychain ${name} needs more`, { hint: `write ${name}:${kind.argument}` });
  }
  return kind.make(argument, world);
}

/** Returns the keychain of a cloud. It is loaded only for the registries of that cloud. */
function cloud(name: CloudName, world: KeychainWorld): Keychain {
  const loaded = lazyKeychain(async () => {
    const { lazyCloudKeychain } = await import("../src/authn/clouds/mod.ts");
    const { environment, warn } = world;
    return lazyCloudKeychain(name, { environment, warn, fetch: networkFetch(world) });
  });
  return {
    async resolve(target, options) {
      return cloudOf(target.registry) === name ? await loaded.resolve(target, options) : anonymous;
    },
  };
}

/** Returns a keychain from a file, which is read again during a long copy. */
function fileKeychain(file: string, make: (text: string) => Keychain | Promise<Keychain>): Keychain {
  return refreshingKeychain({
    async resolve(target, options) {
      const { readNamed } = await import("./named_file.ts");
      return await (await make(await readNamed(file))).resolve(target, options);
    },
  });
}

/** Reads credentials again during a long copy, as the passwords of credential helpers expire. */
function dockerKeychain(file: string, world: KeychainWorld): Keychain {
  const { environment, warn } = world;
  const helper = helperOf(world);
  if (file === "") return refreshingKeychain(defaultKeychain({ environment, helper, warn }));
  // By this name the file is podman's.
  const namespaces = baseName(file) === "auth.json";
  return fileKeychain(
    file,
    (text) => dockerConfigKeychain(parseDockerConfig(text, file), { source: file, helper, namespaces, warn }),
  );
}

/**
 * Returns a function that creates credential helpers. Their timeout is `$GCRANE_HELPER_TIMEOUT` in seconds; by default
 * 30 seconds, or none on a terminal, where a helper may ask: there a slow one is named.
 *
 * @throws {UsageError} if that is not a number of seconds.
 */
export function helperOf({ environment, ask, note }: HelperWorld): (name: string) => CredentialHelper {
  const text = environment("GCRANE_HELPER_TIMEOUT");
  const seconds = Number(text);
  if (text && !(seconds >= 0 && seconds <= 86_400)) {
    throw new UsageError(`GCRANE_HELPER_TIMEOUT must be a number of seconds, not ${JSON.stringify(text)}`);
  }
  return (name) =>
    credentialHelper(name, {
      environment,
      // Detected only for a helper: it takes 11 ms on Bun.
      ...(ask() !== undefined && { timeoutMs: 0, onSlow: note }),
      ...(text && { timeoutMs: seconds * 1000 }),
    });
}

function secretsFileKeychain(file: string): Keychain {
  return fileKeychain(file, async (text) => {
    const { keychainFromPullSecrets, parseSecretManifest } = await import("../src/authn/kubernetes/mod.ts");
    return keychainFromPullSecrets(await parseSecretManifest(text, file));
  });
}

/** Returns the keychain of a service account, in a pod by default the pod's own. */
function serviceAccountKeychain(account: string, { environment, warn }: KeychainWorld): Keychain {
  const [, namespace, named] = /^(?:(.*)\/)?([^/]*)$/s.exec(account)!;
  return lazyKeychain(async () => {
    const { kubernetesKeychain, podServiceAccountName } = await import("../src/authn/kubernetes/mod.ts");
    const isPodMeant = !namespace && !named && !environment("KUBECONFIG");
    const serviceAccountName = named || (isPodMeant ? await podServiceAccountName({ environment }) : undefined);
    return kubernetesKeychain({
      environment,
      warn,
      ...(namespace && { namespace }),
      ...(serviceAccountName && { serviceAccountName }),
    });
  });
}

/**
 * Returns a keychain with a name and a password from two variables, for any registry. They keep secrets off the command
 * line, which every process can read.
 */
function environmentKeychain(prefix: string, { environment }: KeychainWorld): Keychain {
  return {
    resolve() {
      const [username, password] = [environment(`${prefix}_USERNAME`), environment(`${prefix}_PASSWORD`)];
      if (username && password) return Promise.resolve(basic(username, password));
      const missing = username ? `${prefix}_PASSWORD` : `${prefix}_USERNAME`;
      return Promise.reject(
        new AuthError(`the keychain env:${prefix} has no credentials: ${missing} is not set`, {
          hint: `export ${prefix}_USERNAME and ${prefix}_PASSWORD`,
        }),
      );
    },
  };
}

const flagFor = (end: string, env: string) =>
  ({
    type: "strings",
    valueName: "NAME",
    commas: true,
    env,
    offers: keychainNames,
    help: `Like --keychain, for the ${end} alone`,
  }) as const;

/** The flags with separate keychains for the two ends of a copy. */
export const endKeychainFlags = {
  srcKeychain: flagFor("source", "GCRANE_SRC_KEYCHAIN"),
  dstKeychain: flagFor("destination", "GCRANE_DST_KEYCHAIN"),
} as const;

/** Returns the keychains of a copy that differ from that of `--keychain`, as options of the copy. */
export function endKeychains(
  { srcKeychain, dstKeychain }: FlagValues<typeof endKeychainFlags>,
  world: KeychainWorld,
): { keychain?: Keychain; sourceKeychain?: Keychain } {
  return {
    ...(dstKeychain.length > 0 && { keychain: keychainOf(dstKeychain, world) }),
    ...(srcKeychain.length > 0 && { sourceKeychain: keychainOf(srcKeychain, world) }),
  };
}
