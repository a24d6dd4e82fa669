import type { SyncFile, SyncRegistry } from "../gcr/mod.ts";
import {
  anonymous,
  type Authenticator,
  fromConfig,
  type Keychain,
  keychainFromHelper,
  multiKeychain,
} from "../src/authn/mod.ts";
import type { Context } from "./command.ts";
import { helperOf } from "./keychains.ts";
import { networkFetch } from "./network.ts";
import { type CommandOptions, commandOptions } from "./remote_options.ts";

/** Returns the options of a sync: those of the command line, with the settings that the file has for registries. */
export function syncRegistryOptions({ registries, ownCredentials, userAgent, rate }: SyncFile, context: Context) {
  const options = commandOptions(context);
  const find = (host: string) => registries.find(({ name }) => name === host);
  return {
    ...options,
    keychain: keychainOf(registries, ownCredentials ? undefined : options.keychain, context),
    registries: async (name: string) => {
      const settings = await options.registries!(name);
      return find(name.split("/")[0])?.insecure ? { ...settings, insecure: true } : settings;
    },
    fetch: fetchOf(registries, context),
    ...(userAgent !== undefined && { userAgent }),
    ...(rate !== undefined && { rate }),
  } satisfies CommandOptions & { rate?: number };
}

function keychainOf(
  registries: readonly SyncRegistry[],
  others: Keychain | undefined,
  context: Pick<Context, "environment" | "ask" | "note" | "warn">,
): Keychain {
  const own: Keychain = {
    async resolve(target, options): Promise<Authenticator> {
      const found = registries.find(({ name }) => name === target.registry);
      if (found?.credentialHelper !== undefined) {
        const helper = helperOf(context)(found.credentialHelper);
        return await keychainFromHelper(helper, { warn: context.warn }).resolve(target, options);
      }
      if (found?.token !== undefined) return fromConfig({ identityToken: found.token });
      if (found?.user === undefined) return anonymous;
      return fromConfig({ username: found.user, password: found.password });
    },
  };
  return others ? multiKeychain(own, others) : own;
}

function fetchOf(registries: readonly SyncRegistry[], context: Context): typeof fetch {
  const own = registries.filter(({ ca, cert }) => ca !== undefined || cert !== undefined);
  const folders = registries.filter(({ certificates }) => certificates !== undefined);
  return networkFetch(context, {
    ...context.flags,
    hostCertificates: Object.fromEntries(
      own.map(({ name, ca, cert, key }) => [name, {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert, key: key ?? cert }),
      }]),
    ),
    certificateFolders: Object.fromEntries(folders.map(({ name, certificates }) => [name, certificates!])),
  });
}
