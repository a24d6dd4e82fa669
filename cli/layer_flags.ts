import { UsageError } from "../src/errors.ts";
import type { Compression } from "../src/spec/mod.ts";
import type { FlagValues } from "./flag.ts";

/** The flags on the format of layers that a command creates. */
export const layerFlags = {
  compression: {
    type: "string",
    valueName: "KIND",
    choices: ["gzip", "zstd", "none", "estargz"],
    default: "gzip",
    help: "The compression of new layers; estargz is gzip from which containerd can read single files",
  },
  reproducible: {
    type: "boolean",
    help: "Create equal layers from equal files on every runtime, more slowly; dates a directory's files to 1970",
  },
  jobs: {
    type: "number",
    short: "j",
    valueName: "N",
    minimum: 1,
    help: "The number of layers that are pushed, and of threads that compress, at the same time",
  },
} as const;

/** The flag of commands that can write an image to a file. */
export const outputFlag = {
  type: "string",
  short: "o",
  valueName: "FILE",
  completes: "file",
  help: "Write the result to a tarball instead of pushing it",
} as const;

/** The format of a layer as library options. */
export interface LayerFlagOptions {
  /** The compression. */
  readonly compression: Compression;
  /** Whether it is an eStargz. */
  readonly estargz: boolean;
  /** Whether it is the same on every runtime. */
  readonly reproducible: boolean;
  /** The number of threads that compress, and of layers that are pushed. */
  readonly jobs?: number;
  /** The modification time of a directory's files, in seconds since 1970; without it they keep their own. */
  readonly mtime?: number;
}

/**
 * Returns the layer options of the flags and the environment: `GGCR_EXPERIMENT_ESTARGZ=1` turns gzip into eStargz, as
 * in go-containerregistry.
 */
export function layerOptions(
  { flags, environment }: {
    readonly flags: FlagValues<typeof layerFlags>;
    readonly environment: (name: string) => string | undefined;
  },
): LayerFlagOptions {
  const { compression, reproducible, jobs } = flags;
  if (compression === "zstd" && reproducible) {
    throw new UsageError("zstd is not reproducible: each runtime has a codec of its own", {
      hint: "leave out --compression or --reproducible",
    });
  }
  const asked = environment("GGCR_EXPERIMENT_ESTARGZ") === "1" && compression === "gzip";
  const estargz = compression === "estargz" || asked;
  return {
    compression: compression === "estargz" ? "gzip" : compression,
    estargz,
    reproducible,
    jobs,
    ...(reproducible ? { mtime: sourceDate(environment("SOURCE_DATE_EPOCH")) } : {}),
  };
}

/**
 * Returns the time of built content (reproducible-builds.org, "SOURCE_DATE_EPOCH"), by default the beginning of 1970.
 */
export function sourceDate(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, which is not a number of seconds since 1970`);
}
