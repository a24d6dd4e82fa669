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
import type { Context } from "./command.ts";
import type { FlagValues } from "./flag.ts";
import { keychainNames } from "./global_flags.ts";
import { nearest } from "./suggest.ts";

/** What keychains need of the world. */
export type KeychainWorld = Pick<Context, "environment" | "warn" | "fetch">;

/** A kind of keychain: what stands after its name and a colon, and how it is made. */
interface Kind {
  /** What to call the argument; without it there is none. */
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

/** What is looked through when nobody says what: each cloud is concerned with its own registries alone. */
const DEFAULT_KEYCHAINS: readonly string[] = ["google", "docker", "ecr", "acr", "github"];

/**
 * The keychain that names of keychains stand for, looked through in their order; without names, the default ones.
 *
 * @throws {UsageError} when a name is unknown, or has an argument too much or too few.
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
    throw new UsageError(`the keychain ${name} takes nothing after its name`, { hint: `write ${name} alone` });
  }
  if (argument === "" && kind.argument !== undefined && !kind.optional) {
    throw new UsageError(`the keychain ${name} needs more`, { hint: `write ${name}:${kind.argument}` });
  }
  return kind.make(argument, world);
}

/** The keychain of a cloud. Nothing of it is loaded for the registries of others. */
function cloud(name: CloudName, { environment, warn, fetch }: KeychainWorld): Keychain {
  const loaded = lazyKeychain(async () => {
    const { lazyCloudKeychain } = await import("../src/authn/clouds/mod.ts");
    return lazyCloudKeychain(name, { environment, warn, ...(fetch && { fetch }) });
  });
  return {
    async resolve(target, options) {
      return cloudOf(target.registry) === name ? await loaded.resolve(target, options) : anonymous;
    },
  };
}

/** A keychain that is made of a file, and of what the file says later if a long copy lasts until then. */
function fileKeychain(file: string, make: (text: string) => Keychain | Promise<Keychain>): Keychain {
  return refreshingKeychain({
    async resolve(target, options) {
      const { readNamed } = await import("./named_file.ts");
      return await (await make(await readNamed(file))).resolve(target, options);
    },
  });
}

/** Credential helpers give passwords that expire, which a long copy may outlast. */
function dockerKeychain(file: string, { environment, warn }: KeychainWorld): Keychain {
  const helper = helperOf(environment);
  if (file === "") return refreshingKeychain(defaultKeychain({ environment, helper, warn }));
  return fileKeychain(
    file,
    (text) => dockerConfigKeychain(parseDockerConfig(text, file), { source: file, helper, warn }),
  );
}

/**
 * Makes credential helpers, which may take as many seconds as `$GCRANE_HELPER_TIMEOUT` says.
 *
 * @throws {UsageError} when that is no number of seconds.
 */
export function helperOf(environment: KeychainWorld["environment"]): (name: string) => CredentialHelper {
  const text = environment("GCRANE_HELPER_TIMEOUT");
  const seconds = Number(text);
  if (text && !(seconds > 0 && seconds <= 86_400)) {
    throw new UsageError(`GCRANE_HELPER_TIMEOUT is a number of seconds, not ${JSON.stringify(text)}`);
  }
  return (name) => credentialHelper(name, text ? { timeoutMs: seconds * 1000 } : {});
}

function secretsFileKeychain(file: string): Keychain {
  return fileKeychain(file, async (text) => {
    const { keychainFromPullSecrets, parseSecretManifest } = await import("../src/authn/kubernetes/mod.ts");
    return keychainFromPullSecrets(await parseSecretManifest(text, file));
  });
}

/** In a pod it is that of the pod's own service account, unless another is named. */
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

/** A name and a password in two variables, for any registry: so neither is on the command line, which all can read. */
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
    help: `As --keychain, for the ${end} alone`,
  }) as const;

/** The flags by which the two ends of a copy are signed in to each in its own way. */
export const endKeychainFlags = {
  srcKeychain: flagFor("source", "GCRANE_SRC_KEYCHAIN"),
  dstKeychain: flagFor("destination", "GCRANE_DST_KEYCHAIN"),
} as const;

/** Returns the keychains of a copy that are not that of `--keychain`, as its options take them. */
export function endKeychains(
  { srcKeychain, dstKeychain }: FlagValues<typeof endKeychainFlags>,
  world: KeychainWorld,
): { keychain?: Keychain; sourceKeychain?: Keychain } {
  return {
    ...(dstKeychain.length > 0 && { keychain: keychainOf(dstKeychain, world) }),
    ...(srcKeychain.length > 0 && { sourceKeychain: keychainOf(srcKeychain, world) }),
  };
}
