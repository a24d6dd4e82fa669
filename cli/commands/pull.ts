import type { ProgressEvent, ProgressListener } from "../../src/image/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import type { StandardOutput } from "../output.ts";
import { exists } from "../../src/runtime/mod.ts";
import { pullSource } from "../local_source.ts";
import { platformsOptions, remoteOptions } from "../remote_options.ts";

/** `gcrane pull` */
export const command: Command = declare({
  description:
    `The format "tarball" is that of "docker save" and "docker load"; "legacy" is the same for Docker before 1.10, with uncompressed layers in folders; "oci" is an OCI image layout, a directory to which images are added. "-" for PATH writes a tarball to standard output.

Of an index, a tarball gets the image for --platform, linux/amd64 by default; a layout gets all images, or those for one or several --platform. IMAGE may also be the path of a layout or a tarball, to convert between them, or daemon://NAME for an image in the Docker Engine of DOCKER_HOST, or in podman.`,
  args: {
    images: { valueName: "IMAGE", help: "The image to pull", repeated: true },
    path: { help: 'The file or the directory to write, or "-"', completes: "file" },
  },
  flags: {
    format: {
      type: "string",
      valueName: "FORMAT",
      choices: ["tarball", "legacy", "oci"],
      default: "tarball",
      help: "The format to write",
    },
    cachePath: {
      type: "string",
      short: "c",
      valueName: "DIR",
      completes: "directory",
      help: "Cache layers in this directory",
    },
    annotateRef: { type: "boolean", help: "In a layout, name each image by its reference" },
  },
  examples: [
    { text: "Save an image for docker load", command: "gcrane pull registry.example.com/app:v1 app.tar" },
    { text: "Load an image into docker", command: "gcrane pull registry.example.com/app:v1 - | docker load" },
    {
      text: "Save an image with all its platforms",
      command: "gcrane pull --format oci registry.example.com/app:v1 ./layout",
    },
    { text: "Convert a tarball into a layout", command: "gcrane pull --format oci ./app.tar ./layout" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal, onProgress } = context;
    const { parseSource, splitLocalPath } = await import("../../src/source/mod.ts");
    for (const name of args.images) {
      const named = parseSource(name);
      if (named.kind !== "path" || await exists((await splitLocalPath(named.text)).path)) continue;
      throw new UsageError(`${name} is a path, not an image`, { hint: "the file or directory to write comes last" });
    }
    const toOutput = args.path === "-";
    if (toOutput) checkOutput(flags.format, stdout);
    const options = {
      ...flags.format === "oci" ? platformsOptions(context) : remoteOptions(context),
      // Shows the direction as a download, since the registry is the source.
      onProgress: onProgress && ((event: ProgressEvent) => onProgress({ ...event, kind: "read" })),
      cachePath: flags.cachePath,
      onWarning: context.warn,
    };
    const { saveLayout, saveTarball, streamTarball } = await import("../../src/crane/mod.ts");
    const images = await Promise.all(args.images.map((name) => pullSource(name, context)));
    if (flags.format === "oci") {
      return await saveLayout(images, args.path, { ...options, annotateRef: flags.annotateRef });
    }
    const tarball = flags.format === "legacy" ? { ...options, ...legacy(onProgress) } : options;
    if (!toOutput) return await saveTarball(images, args.path, tarball);
    await stdout.pipe(await streamTarball(images, tarball), { signal });
  },
});

/**
 * Shows the downloads, as they all end before the first byte is written: the format has each size before its content.
 */
function legacy(onReadProgress: ProgressListener | undefined) {
  return { format: "legacy", onReadProgress, onProgress: undefined } as const;
}

function checkOutput(format: string, stdout: StandardOutput): void {
  if (format === "oci") {
    throw new UsageError("a layout is a directory, which standard output is not", { hint: "name the directory" });
  }
  if (stdout.isTerminal) {
    throw new UsageError("standard output is a terminal, and a tarball is not text", {
      hint: "name a file, or use a pipe",
    });
  }
}
