import type { RegistryCaller } from "../access/access.ts";
import type { Exchange } from "./exchange.ts";
import type { Repositories } from "../content/repositories.ts";
import type { RegistryStore } from "../stores/store.ts";
import type { UploadSessions } from "../content/upload_sessions.ts";

/** What the answers of one registry are made from. */
export interface RegistryContext {
  /** Where the content is kept. */
  readonly store: RegistryStore;
  /** What each repository holds. */
  readonly repositories: Repositories;
  /** The uploads that are under way. */
  readonly sessions: UploadSessions;
  /** Whether nothing is written. */
  readonly readOnly: boolean;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
  /** The most bytes that a manifest may have. */
  readonly manifestLimit: number;
}

/** What the handlers of Hono find in their context. */
export interface RegistryEnv {
  /** The request while it is answered: `c.env`. */
  readonly Bindings: Exchange;
  /** What the middleware found: `c.var`. */
  readonly Variables: { readonly asked: RepositoryRequest };
}

/** A request for something of one repository. */
export interface RepositoryRequest {
  /** The request while it is answered. */
  readonly exchange: Exchange;
  /** The request as it came; its body is that of {@linkcode RepositoryRequest.exchange}. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** The name of the repository, checked. */
  readonly name: string;
  /** Who asks. */
  readonly caller: RegistryCaller;
}
