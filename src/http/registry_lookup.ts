/** A place that serves the content of a repository by digest. */
export interface Mirror {
  /** The host, with its port if it has one. */
  readonly host: string;
  /** The path in front of the repository: `/v2`. */
  readonly root: string;
  /** The path of the repository. */
  readonly repository: string;
  /** The query of each request, without the question mark. */
  readonly query?: string;
  /** Whether plain http and any certificate are accepted. */
  readonly insecure: boolean;
  /** Headers of each request to the host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Authorities to trust in addition, in PEM. */
  readonly ca?: string;
  /** The certificate of the client, in PEM. */
  readonly cert?: string;
  /** The private key of `cert`, in PEM. */
  readonly key?: string;
}

/** The settings of a machine for a registry or a repository. */
export interface RegistrySettings {
  /** Whether plain http and any certificate are accepted. */
  readonly insecure: boolean;
  /** The file that blocks it, if one does. */
  readonly blockedBy?: string;
  /** The places to read content by digest from, before the registry itself. */
  readonly mirrors: readonly Mirror[];
}

/** Returns the settings for a registry, `HOST[:PORT]`, or for a repository, `HOST[:PORT]/PATH`. */
export type RegistryLookup = (name: string) => Promise<RegistrySettings>;
