import { BoundedMap, lazy } from "../io/mod.ts";
import { grantedVariable } from "../runtime/mod.ts";
import { hostsMirrors } from "./hosts_toml.ts";
import type { Environment } from "./proxy.ts";
import { findRule, readRegistriesConf } from "./registries_conf.ts";

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

/** Options of {@linkcode machineRegistries}. */
export interface MachineRegistriesOptions {
  /**
   * Whether the mirrors in registries.conf and hosts.toml are among the settings.
   * @default false
   */
  useMirrors?: boolean;
  /**
   * Returns the value of an environment variable.
   * @default that of the process
   */
  environment?: Environment;
}

/**
 * Returns the settings of this machine for registries: `insecure` and `blocked` of containers' registries.conf and of
 * the files in registries.conf.d, for root and for the user; with `useMirrors` also the mirrors in them, and in the
 * hosts.toml of containerd and docker. Reads the files when they are first needed.
 */
export function machineRegistries(options: MachineRegistriesOptions = {}): RegistryLookup {
  const { useMirrors = false, environment = grantedVariable } = options;
  const rules = lazy(() => readRegistriesConf(environment));
  const known = new BoundedMap<string, RegistrySettings>(1000);
  const read = async (name: string): Promise<RegistrySettings> => {
    // Both files have the common name of Docker Hub.
    const common = name.replace(/^index\.docker\.io(?=\/|$)/, "docker.io");
    const { insecure = false, blockedBy, mirrors = [] } = findRule(await rules(), common) ?? {};
    return {
      insecure,
      ...(blockedBy !== undefined && { blockedBy }),
      mirrors: useMirrors ? [...mirrors, ...await hostsMirrors(environment, common)] : [],
    };
  };
  return async (name) => {
    const settings = known.get(name) ?? await read(name);
    known.set(name, settings);
    return settings;
  };
}
