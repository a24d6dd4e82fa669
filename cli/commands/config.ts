import { type Command, command as declare } from "../command.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane config` */
export const command: Command = declare({
  description: `Prints the config of an image, of an index that of the image for --platform, linux/amd64 by default.

${SOURCES_HELP}`,
  args: { image: { help: "The image" } },
  examples: [
    { text: "See an image's environment", command: "gcrane config registry.example.com/app:v1 | jq .config.Env" },
    { text: "See the config of an image in a file", command: "gcrane config ./app.tar | jq .config.Env" },
  ],
  async run(context) {
    const { args, stdout, signal } = context;
    const { openImage } = await import("../../src/source/mod.ts");
    const image = await openImage(await imageSource(args.image, context), remoteOptions(context));
    await stdout.write(await image.rawConfigFile({ signal }));
  },
});
