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

/** Returns a reference as the options say to read it. */
export function referenceOf(text: string, options: CraneOptions): Reference {
  return parseReference(text, nameOptions(options));
}

/** Returns a repository as the options say to read it. */
export function repositoryOf(text: string, options: CraneOptions): Repository {
  return parseRepository(text, nameOptions(options));
}

/** Returns a registry as the options say to read it. */
export function registryOf(text: string, options: CraneOptions): Registry {
  return parseRegistry(text, nameOptions(options));
}

/** Returns the same options with connections, for verbs that make several calls. */
export function withClient<Options extends RemoteOptions>(options: Options): Options & { client: Client } {
  return { ...options, client: options.client ?? new Client(options) };
}

/** Returns a puller, for verbs that only read. */
export function pullerOf(options: CraneOptions): Puller {
  return new Puller(options);
}

/** Returns a pusher and a puller on the same connections, for verbs that do both. */
export function pusherOf(options: CraneOptions): { pusher: Pusher; puller: Puller } {
  const connected = withClient(options);
  return { pusher: new Pusher(connected), puller: new Puller(connected) };
}

function nameOptions({ validation, insecure }: CraneOptions): NameOptions {
  return { validation, insecure };
}
