import type { RegistryCaller } from "../access/access.ts";
import type { Exchange } from "./exchange.ts";
import type { Repositories } from "../content/repositories.ts";
import type { RegistryStore } from "../stores/store.ts";
import type { UploadSessions } from "../content/upload_sessions.ts";

/** The parts of one registry. */
export interface RegistryContext {
  /** The store of the content. */
  readonly store: RegistryStore;
  /** The content of each repository. */
  readonly repositories: Repositories;
  /** The uploads that are under way. */
  readonly sessions: UploadSessions;
  /** Whether requests that write are refused. */
  readonly readOnly: boolean;
  /** Whether manifests may name content that their repository does not have. */
  readonly allowSparse: boolean;
  /** Returns the time, in milliseconds since 1970. */
  readonly clock: () => number;
  /** Whether clients are sent to the store's own URLs of blobs. */
  readonly redirect: boolean;
  /** The most bytes that a manifest may have. */
  readonly manifestLimit: number;
}

/** The environment of Hono's handlers. */
export interface RegistryEnv {
  /** The request while it is answered: `c.env`. */
  readonly Bindings: Exchange;
  /** The result of the middleware: `c.var`. */
  readonly Variables: { readonly asked: RepositoryRequest };
}

/** A request to one repository. */
export interface RepositoryRequest {
  /** The request while it is answered. */
  readonly exchange: Exchange;
  /** The request as it came; its body is that of {@linkcode RepositoryRequest.exchange}. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** The name of the repository, checked. */
  readonly name: string;
  /** The client. */
  readonly caller: RegistryCaller;
}
