import { type Command, command as declare } from "../command.ts";
import { jsonEditing, withEdited } from "../edit_text.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane edit config` */
export const command: Command = declare({
  description:
    `Opens the config in $EDITOR; if standard input is not a terminal, it is the new config. For an index, --platform selects the image.

The original stays. Pushes the result under the name of -t, or to the same repository by digest, and prints its digest. If that fails, for example because the new text is not JSON, the text is saved to a file.`,
  args: { image: { help: "The image" } },
  flags: { tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" } },
  examples: [
    {
      text: "Edit a config, and give the result another tag",
      command: "gcrane edit config registry.example.com/app:v1 -t registry.example.com/app:v2",
    },
    {
      text: "Replace a config with a file",
      command: "gcrane edit config registry.example.com/app:v1 -t registry.example.com/app:v2 < config.json",
    },
  ],
  async run(context) {
    const { args, flags, stdout } = context;
    const { editConfig } = await import("../../src/crane/mod.ts");
    const options = { ...remoteOptions(context), tag: flags.tag };
    await stdout.print(
      await withEdited(jsonEditing("config"), context, (edit) => editConfig(args.image, edit, options)),
    );
  },
});
