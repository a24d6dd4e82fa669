import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane pull` */
export const command: Command = declare({
  description:
    `The format "tarball" is the one that "docker save" writes and "docker load" reads; "oci" is a directory in the OCI image layout, to which images are added.

Of an index, a tarball gets the image for --platform, linux/amd64 if nothing is said; a layout gets all of it.`,
  args: {
    images: { valueName: "IMAGE", help: "What to pull", repeated: true },
    path: { help: "The file or the directory to write", completes: "file" },
  },
  flags: {
    format: {
      type: "string",
      valueName: "FORMAT",
      choices: ["tarball", "oci"],
      default: "tarball",
      help: "What to write",
    },
    cachePath: {
      type: "string",
      short: "c",
      valueName: "DIR",
      completes: "directory",
      help: "Keep layers here between pulls",
    },
    annotateRef: { type: "boolean", help: "In a layout, name each image by its reference" },
  },
  examples: [
    { text: "Save an image for docker load", command: "gcrane pull registry.example.com/app:v1 app.tar" },
    {
      text: "Save an image with all its platforms",
      command: "gcrane pull --format oci registry.example.com/app:v1 ./layout",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags } = context;
    const file = args.images.find((image) => /^\.{0,2}\//.test(image));
    if (file !== undefined) {
      throw new UsageError(`${file} is no image but a path`, { hint: "the file or directory to write comes last" });
    }
    const { saveLayout, saveTarball } = await import("../../src/crane/mod.ts");
    const options = {
      ...remoteOptions(context),
      onProgress: context.onProgress,
      cachePath: flags.cachePath,
      onWarning: context.warn,
    };
    if (flags.format === "tarball") return await saveTarball(args.images, args.path, options);
    await saveLayout(args.images, args.path, { ...options, annotateRef: flags.annotateRef });
  },
});
