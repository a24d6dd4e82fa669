import { type Command, command as declare } from "../command.ts";
import { layerFlags, layerOptions, outputFlag } from "../layer_flags.ts";
import { imageSource, localSource, referenceText } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";
import { UsageError } from "../../src/errors.ts";
import type { Reference } from "../../src/name/mod.ts";

/** `gcrane append` */
export const command: Command = declare({
  description:
    `Each layer is a tarball, compressed or not, or a directory, whose files go to the root of the image or below --prefix. "-" reads a tarball from standard input while it is uploaded. A compressed tarball is stored unchanged, except for eStargz.

Without --base the image has only the new layers, for --platform or linux/amd64. The layers of the base are not downloaded. On a base for Windows, files go below "Files", as Windows layers require.

With --reproducible, files of a directory get the time in the environment variable SOURCE_DATE_EPOCH, or that of the beginning of 1970.`,
  flags: {
    base: { type: "string", short: "b", valueName: "IMAGE", help: "The image to append to" },
    newLayer: {
      type: "strings",
      short: "f",
      valueName: "PATH",
      commas: true,
      completes: "file",
      help: "A tarball or a directory to append as a layer",
    },
    newTag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
    output: outputFlag,
    prefix: { type: "string", valueName: "DIR", help: "The path in the image for the files of a directory" },
    ...layerFlags,
    ociEmptyBase: { type: "boolean", help: "Without --base, use OCI media types instead of Docker's" },
    setBaseImageAnnotations: { type: "boolean", help: "Add annotations with the name and digest of the base" },
  },
  examples: [
    {
      text: "Put the files of a directory on top of an image",
      command:
        "gcrane append -b registry.example.com/base:v1 -f ./build --prefix srv/www -t registry.example.com/site:v1",
    },
    {
      text: "Create an image from a tarball",
      command: "gcrane append -f rootfs.tar.gz -t registry.example.com/app:v1",
    },
  ],
  transfers: true,
  async run(context) {
    const { flags, stdout } = context;
    if (flags.newLayer.length === 0) throw new UsageError("no layer is given", { hint: "name one with -f" });
    if (flags.newTag === undefined) {
      throw new UsageError("no name is given for the result", { hint: "give one with -t" });
    }
    if (flags.base !== undefined && flags.ociEmptyBase) {
      throw new UsageError("--oci-empty-base is for an image without a base", { hint: "leave out one of the two" });
    }
    if (flags.base === undefined && flags.setBaseImageAnnotations) {
      throw new UsageError("--set-base-image-annotations needs a base", { hint: "name it with -b" });
    }
    const { append, annotateBase, push } = await import("../../src/crane/mod.ts");
    const { openImage } = await import("../../src/source/mod.ts");
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Client } = await import("../../src/remote/mod.ts");
    const options = { ...remoteOptions(context), onProgress: context.onProgress, jobs: flags.jobs };
    const client = new Client(options);
    if (flags.setBaseImageAnnotations && await localSource(flags.base!, context)) {
      throw new UsageError("--set-base-image-annotations needs a base in a registry", { hint: "leave it out" });
    }
    const base = flags.base === undefined
      ? undefined
      : await openImage(await imageSource(flags.base, context), { ...options, client });
    const layered = await append(base, flags.newLayer, {
      ...layerOptions(context),
      prefix: flags.prefix,
      oci: flags.ociEmptyBase,
      platform: options.platform,
      stdin: context.stdin,
      onWarning: context.warn,
      signal: context.signal,
    });
    const image = base !== undefined && flags.setBaseImageAnnotations
      ? annotateBase(layered, {
        name: taggedName(parseReference(await referenceText(flags.base!))),
        digest: await base.digest(options),
      })
      : layered;
    if (flags.output === undefined) return await stdout.print(await push(image, flags.newTag, { ...options, client }));
    const { writeTarballFile } = await import("../../src/tarball/mod.ts");
    const writing = { ...options, concurrency: flags.jobs };
    await writeTarballFile(flags.output, [{ reference: flags.newTag, image }], writing);
  },
});

/** Returns the name of a base that may be updated later; a digest is never updated. */
function taggedName({ kind, name }: Reference): string | undefined {
  return kind === "tag" ? name : undefined;
}
