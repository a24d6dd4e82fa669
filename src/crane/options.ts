import { type NameOptions, parseReference, parseRegistry, parseRepository, type Reference } from "../name/mod.ts";
import type { Registry, Repository } from "../name/mod.ts";
import { Client, type PlatformOptions, Puller, Pusher, type RemoteOptions } from "../remote/mod.ts";

/** Options of every function of this module. */
export interface CraneOptions extends RemoteOptions, PlatformOptions {
  /**
   * How strictly names are parsed.
   *
   * @default "weak"
   */
  validation?: NameOptions["validation"];
}

/** Parses a reference with the options. */
export function referenceOf(name: Reference | string, options: CraneOptions): Reference {
  return parseReference(name, nameOptions(options));
}

/** Parses a repository with the options. */
export function repositoryOf(name: Repository | string, options: CraneOptions): Repository {
  return parseRepository(name, nameOptions(options));
}

/** Parses a registry with the options. */
export function registryOf(name: Registry | string, options: CraneOptions): Registry {
  return parseRegistry(name, nameOptions(options));
}

/** Returns the same options with a client, for functions that send several requests. */
export function withClient<Options extends RemoteOptions>(options: Options): Options & { client: Client } {
  return { ...options, client: options.client ?? new Client(options) };
}

/** Creates a puller, for functions that only read. */
export function pullerOf(options: CraneOptions): Puller {
  return new Puller(options);
}

/** Creates a pusher and a puller on the same connections. */
export function pusherOf(options: CraneOptions): { pusher: Pusher; puller: Puller } {
  const connected = withClient(options);
  return { pusher: new Pusher(connected), puller: new Puller(connected) };
}

function nameOptions({ validation, insecure }: CraneOptions): NameOptions {
  return { validation, insecure };
}
