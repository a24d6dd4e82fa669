import { type NameOptions, parseReference, parseRegistry, parseRepository, type Reference } from "../name/mod.ts";
import type { Registry, Repository } from "../name/mod.ts";
import { Client, type PlatformOptions, Puller, Pusher, type RemoteOptions } from "../remote/mod.ts";

/** Options of every verb. */
export interface CraneOptions extends RemoteOptions, PlatformOptions {
  /**
   * How strictly names are read.
   * @default "weak"
   */
  validation?: NameOptions["validation"];
}

/** A reference as the options say to read it. */
export function referenceOf(name: Reference | string, options: CraneOptions): Reference {
  return parseReference(name, nameOptions(options));
}

/** A repository as the options say to read it. */
export function repositoryOf(name: Repository | string, options: CraneOptions): Repository {
  return parseRepository(name, nameOptions(options));
}

/** A registry as the options say to read it. */
export function registryOf(name: Registry | string, options: CraneOptions): Registry {
  return parseRegistry(name, nameOptions(options));
}

/** The same options with connections, for verbs that make several calls. */
export function withClient<Options extends RemoteOptions>(options: Options): Options & { client: Client } {
  return { ...options, client: options.client ?? new Client(options) };
}

/** A puller, for verbs that only read. */
export function pullerOf(options: CraneOptions): Puller {
  return new Puller(options);
}

/** A pusher and a puller on the same connections, for verbs that do both. */
export function pusherOf(options: CraneOptions): { pusher: Pusher; puller: Puller } {
  const connected = withClient(options);
  return { pusher: new Pusher(connected), puller: new Puller(connected) };
}

function nameOptions({ validation, insecure }: CraneOptions): NameOptions {
  return { validation, insecure };
}
