import type { Keychain } from "../src/authn/mod.ts";
import type { FlagValues } from "./flag.ts";
import { keychainNames } from "./global_flags.ts";
import { keychainOf, type KeychainWorld } from "./keychains.ts";

const flagFor = (end: string, env: string) =>
  ({
    type: "strings",
    valueName: "NAME",
    commas: true,
    env,
    offers: keychainNames,
    help: `As --keychain, for the ${end} alone`,
  }) as const;

/** The flags with separate keychains for the two ends of a copy. */
export const endKeychainFlags = {
  srcKeychain: flagFor("source", "GCRANE_SRC_KEYCHAIN"),
  dstKeychain: flagFor("destination", "GCRANE_DST_KEYCHAIN"),
} as const;

/** Returns the keychains of a copy that differ from that of `--keychain`, as options of the copy. */
export function endKeychains(
  { srcKeychain, dstKeychain }: FlagValues<typeof endKeychainFlags>,
  world: KeychainWorld,
): { keychain?: Keychain; sourceKeychain?: Keychain } {
  return {
    ...(dstKeychain.length > 0 && { keychain: keychainOf(dstKeychain, world) }),
    ...(srcKeychain.length > 0 && { sourceKeychain: keychainOf(srcKeychain, world) }),
  };
}
