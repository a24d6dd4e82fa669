import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane export` */
export const command: Command = declare({
  description: `Merges the layers and leaves out files that later layers delete or replace.

Of an index, writes the files of the image for --platform, linux/amd64 by default. Without TARBALL, or with "-", writes to standard output.

${SOURCES_HELP}`,
  args: {
    image: { help: "The image" },
    tarball: { help: 'The file to write, or "-"', optional: true, completes: "file" },
  },
  examples: [
    { text: "Save the files of an image", command: "gcrane export registry.example.com/app:v1 app.tar" },
    {
      text: "Save the files of one platform of a layout",
      command: "gcrane export --platform linux/arm64 ./layout app.tar",
    },
    { text: "Read one file", command: "gcrane export registry.example.com/app:v1 | tar -xO etc/os-release" },
  ],
  transfers: true,
  async run(context) {
    const { args, stdout, signal } = context;
    if (args.tarball === undefined && stdout.isTerminal) {
      throw new UsageError("standard output is a terminal, and a tarball is not text", {
        hint: 'name a file, use a pipe, or force it with "-"',
      });
    }
    const options = { ...remoteOptions(context), onReadProgress: context.onProgress, schema1: "convert" as const };
    const { extract } = await import("../../src/crane/mod.ts");
    const { openImage } = await import("../../src/source/mod.ts");
    const image = await openImage(await imageSource(args.image, context), options);
    const tar = extract(image, { signal });
    if (args.tarball === undefined || args.tarball === "-") return await stdout.pipe(tar, { signal });
    const { writeFile } = await import("../named_file.ts");
    await writeFile(args.tarball, tar, { signal });
  },
});
