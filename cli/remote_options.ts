import type { Keychain } from "../src/authn/mod.ts";
import { UsageError } from "../src/errors.ts";
import { machineRegistries } from "../src/http/mod.ts";
import type { RemoteOptions } from "../src/remote/mod.ts";
import type { Platform } from "../src/spec/mod.ts";
import type { Context } from "./command.ts";
import { headersOf } from "./docker_headers.ts";
import { keychainOf } from "./keychains.ts";
import { networkFetch } from "./network.ts";
import { platformFlag, redirectsFlag, timeoutsFlag } from "./flag_values.ts";

/** Options of every command that uses a registry. */
export interface CommandOptions extends RemoteOptions {
  /** Provides the credentials. */
  keychain: Keychain;
  /** Aborted when the command should end. */
  signal: AbortSignal;
  /** Notes the platform of the image that is chosen from an index; `undefined` for crane's habits, as crane is silent. */
  onDefaultPlatform?: () => void;
}

/** Options of a command on one image of an index. */
export interface OneImageOptions extends CommandOptions {
  /** The platform; `undefined` if none was given. */
  platform?: Platform;
}

/** Options of a command on several images of an index. */
export interface SomeImagesOptions extends CommandOptions {
  /** The platforms; `undefined` if none were given. */
  platforms?: readonly Platform[];
}

/** Returns the library's options from the global flags and the context, for a command on one image of an index. */
export function remoteOptions(context: Context): OneImageOptions {
  const platforms = wantedPlatforms(context);
  if (platforms.length <= 1) return { ...commandOptions(context), platform: platforms[0] };
  throw new UsageError(`this command requires one image of an index, not ${platforms.length}`, {
    hint: "name one platform with --platform",
  });
}

/** Returns the options of a command that also accepts several images of an index. */
export function platformsOptions(context: Context): SomeImagesOptions {
  const platforms = wantedPlatforms(context);
  return platforms.length === 0 ? commandOptions(context) : { ...commandOptions(context), platforms };
}

/** Returns the options of a command that reads --platform itself, or ignores it. */
export function commandOptions(
  context: Omit<Context, "flags"> & {
    readonly flags:
      & Pick<
        Context["flags"],
        "insecure" | "allowNondistributableArtifacts" | "keychain" | "timeout" | "allowRedirect" | "useMirrors"
      >
      & { readonly platform?: readonly string[] };
  },
): CommandOptions {
  const { flags, signal, onRequest, note, asCrane } = context;
  const usesDocker = flags.keychain.length === 0 || flags.keychain.includes("docker");
  return {
    keychain: keychainOf(flags.keychain, context),
    insecure: flags.insecure,
    allowNondistributable: flags.allowNondistributableArtifacts,
    signal,
    onRequest,
    timeouts: timeoutsFlag(flags.timeout),
    ...(flags.allowRedirect.length > 0 && { allowRedirects: redirectsFlag(flags.allowRedirect) }),
    fetch: networkFetch(context, flags),
    registries: machineRegistries({ useMirrors: flags.useMirrors, environment: context.environment }),
    ...(usesDocker && { headers: headersOf(context.environment, "registry") }),
    ...(!asCrane && {
      onDefaultPlatform: once(() => note(defaultPlatformText(flags))),
    }),
  };
}

/** Describes that a command on one image uses the default platform. */
function defaultPlatformText({ platform }: { readonly platform?: readonly string[] }): string {
  return platform?.includes("all")
    ? "Used linux/amd64 alone, as this command is for one platform: --platform chooses another"
    : "Used linux/amd64 of several platforms: --platform chooses another";
}

/** Returns a function whose first call runs another, which a command on several images wants once. */
function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) run();
    isDone = true;
  };
}

/** Returns the requested platforms. `all` means none in particular, as without the flag. */
function wantedPlatforms({ flags }: Pick<Context, "flags">): readonly Platform[] {
  if (!flags.platform.includes("all")) return flags.platform.map((text) => platformFlag(text));
  if (flags.platform.every((text) => text === "all")) return [];
  throw new UsageError("--platform has both all and a platform", { hint: "leave out one" });
}
