import type { Keychain } from "../src/authn/mod.ts";
import { UsageError } from "../src/errors.ts";
import type { RemoteOptions } from "../src/remote/mod.ts";
import type { Platform } from "../src/spec/mod.ts";
import type { Context } from "./command.ts";
import { keychainOf } from "./keychains.ts";
import { platformFlag } from "./flag_values.ts";

/** What every command that speaks to a registry needs of the line and of the world. */
export interface CommandOptions extends RemoteOptions {
  /** Finds the credentials that the line asks for. */
  keychain: Keychain;
  /** Aborted when the command is to end. */
  signal: AbortSignal;
}

/** The same, and which image of an index. */
export interface OneImageOptions extends CommandOptions {
  /** `undefined` when none was asked for. */
  platform?: Platform;
}

/** The same, and which images of an index. */
export interface SomeImagesOptions extends CommandOptions {
  /** `undefined` when none was asked for. */
  platforms?: readonly Platform[];
}

/** The options of the core, from the global flags and the world around a command that works on one image of an index. */
export function remoteOptions(context: Context): OneImageOptions {
  const platforms = wantedPlatforms(context);
  if (platforms.length <= 1) return { ...commandOptions(context), platform: platforms[0] };
  throw new UsageError(`this takes one image of an index, not ${platforms.length}`, {
    hint: "name one platform with --platform",
  });
}

/** The options of a command that works on several images of an index as well. */
export function platformsOptions(context: Context): SomeImagesOptions {
  const platforms = wantedPlatforms(context);
  return platforms.length === 0 ? commandOptions(context) : { ...commandOptions(context), platforms };
}

/** The options of a command that looks at --platform itself, or not at all. */
export function commandOptions(
  context: Omit<Context, "flags"> & {
    readonly flags: Pick<Context["flags"], "insecure" | "allowNondistributableArtifacts" | "keychain">;
  },
): CommandOptions {
  const { flags, signal, onRequest, fetch } = context;
  return {
    keychain: keychainOf(flags.keychain, context),
    insecure: flags.insecure,
    allowNondistributable: flags.allowNondistributableArtifacts,
    signal,
    onRequest,
    ...(fetch ? { fetch } : {}),
  };
}

/** The platforms that were asked for. `all` is none in particular, as leaving it out is. */
function wantedPlatforms({ flags }: Pick<Context, "flags">): readonly Platform[] {
  if (!flags.platform.includes("all")) return flags.platform.map((text) => platformFlag(text));
  if (flags.platform.every((text) => text === "all")) return [];
  throw new UsageError("--platform says all and one besides", { hint: "leave out one" });
}
