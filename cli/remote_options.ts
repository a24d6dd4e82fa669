import type { Keychain } from "../src/authn/mod.ts";
import { PlatformError, UsageError } from "../src/errors.ts";
import type { RemoteOptions } from "../src/remote/mod.ts";
import { parsePlatform, type Platform } from "../src/spec/mod.ts";
import type { Context } from "./command.ts";
import { keychainOf } from "./keychains.ts";

/** What every command that speaks to a registry needs of the line and of the world. */
export interface CommandOptions extends RemoteOptions {
  /** Finds the credentials that the line asks for. */
  keychain: Keychain;
  /** Which image of an index; `undefined` when none was asked for. */
  platform?: Platform;
  /** Aborted when the command is to end. */
  signal: AbortSignal;
}

/** The options of the core, from the global flags and the world around the command. */
export function remoteOptions(context: Context): CommandOptions {
  const { flags } = context;
  return {
    keychain: keychainOf(flags.keychain, context),
    insecure: flags.insecure,
    allowNondistributable: flags.allowNondistributableArtifacts,
    platform: wantedPlatform(flags.platform),
    signal: context.signal,
    onRequest: context.onRequest,
    ...(context.fetch ? { fetch: context.fetch } : {}),
  };
}

/** The platform that was asked for. `all` is none in particular, as leaving it out is. */
function wantedPlatform(text: string | undefined): Platform | undefined {
  if (text === undefined || text === "all") return undefined;
  try {
    return parsePlatform(text);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new UsageError(`--platform ${text}: ${error.message}`, { cause: error, hint: "for example linux/arm64" });
  }
}
