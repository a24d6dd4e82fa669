import type { Flags, FlagValues } from "./flag.ts";

/** The names of keychains for `--keychain`. */
export const keychainNames = [
  "google",
  "docker",
  "ecr",
  "acr",
  "github",
  "kubernetes",
  "secrets",
  "env",
  "anonymous",
] as const;

/** The flags of every command, at any position on the command line. */
export const globalFlags = {
  platform: {
    type: "strings",
    valueName: "PLATFORM",
    commas: true,
    help: "Which image of an index: os/arch[/variant][:osversion], linux/amd64 for example, or all",
  },
  keychain: {
    type: "strings",
    valueName: "NAME",
    commas: true,
    env: "GCRANE_KEYCHAIN",
    offers: keychainNames,
    help:
      "Who to sign in with, in this order: google, docker[:FILE], ecr, acr, github (these by default), kubernetes[:[NAMESPACE/]ACCOUNT], secrets:FILE, env:PREFIX, anonymous",
  },
  insecure: { type: "boolean", help: "Talk to registries over plain http, or https with any certificate" },
  allowNondistributableArtifacts: { type: "boolean", help: "Push layers that are marked as non-distributable too" },
  verbose: { type: "boolean", short: "v", help: "Show each request and the causes of an error; secrets are left out" },
  help: { type: "boolean", short: "h", help: "Show this help" },
} as const satisfies Flags;

/** The values of the global flags. */
export type GlobalFlags = FlagValues<typeof globalFlags>;
