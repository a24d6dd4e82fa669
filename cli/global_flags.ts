import type { Flags, FlagValues } from "./flag.ts";

/** The flags of every command; they may stand anywhere on the line. */
export const globalFlags = {
  platform: {
    type: "strings",
    valueName: "PLATFORM",
    commas: true,
    help: "Which image of an index: os/arch[/variant][:osversion], linux/amd64 for example, or all",
  },
  insecure: { type: "boolean", help: "Talk to registries over plain http, or https with any certificate" },
  allowNondistributableArtifacts: { type: "boolean", help: "Push layers that are marked as non-distributable too" },
  verbose: { type: "boolean", short: "v", help: "Show each request and the causes of an error; secrets are left out" },
  help: { type: "boolean", short: "h", help: "Show this help" },
} as const satisfies Flags;

/** The values of the global flags. */
export type GlobalFlags = FlagValues<typeof globalFlags>;
