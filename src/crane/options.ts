import { type NameOptions, parseReference, parseRegistry, parseRepository, type Reference } from "../name/mod.ts";
import type { Registry, Repository } from "../name/mod.ts";
import { type PlatformOptions, Puller, Pusher, type RemoteOptions } from "../remote/mod.ts";

/** Options of every verb. */
export interface CraneOptions extends RemoteOptions, PlatformOptions {
  /**
   * How strictly names are read.
   * @default "weak"
   */
  validation?: NameOptions["validation"];
}

/** A reference as the options say to read it. */
export function referenceOf(text: string, options: CraneOptions): Reference {
  return parseReference(text, nameOptions(options));
}

/** A repository as the options say to read it. */
export function repositoryOf(text: string, options: CraneOptions): Repository {
  return parseRepository(text, nameOptions(options));
}

/** A registry as the options say to read it. */
export function registryOf(text: string, options: CraneOptions): Registry {
  return parseRegistry(text, nameOptions(options));
}

/** A puller, for verbs that only read. */
export function pullerOf(options: CraneOptions): Puller {
  return new Puller(options);
}

/** A pusher and a puller on the same connections, for verbs that do both. */
export function pusherOf(options: CraneOptions): { pusher: Pusher; puller: Puller } {
  const pusher = new Pusher(options);
  return { pusher, puller: pusher.puller() };
}

function nameOptions({ validation, insecure }: CraneOptions): NameOptions {
  return { validation, insecure };
}
