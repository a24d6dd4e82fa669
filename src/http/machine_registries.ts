import { BoundedMap, lazy } from "../io/mod.ts";
import { grantedVariable } from "../runtime/mod.ts";
import { hostsMirrors } from "./hosts_toml.ts";
import { findRule, readRegistriesConf } from "./registries_conf.ts";
import type { RegistryLookup, RegistrySettings } from "./registry_lookup.ts";

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
  environment?: (name: string) => string | undefined;
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
