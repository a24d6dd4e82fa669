import { type Command, command as declare } from "../command.ts";
import { jsonEditing, withEdited } from "../edit_text.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane edit config` */
export const command: Command = declare({
  description:
    `Opens the config in $EDITOR; where standard input is no terminal, it is the new config. Of an index, --platform names the image.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name. If that fails, as when the new text is no JSON, the text is kept in a file.`,
  args: { image: { help: "The image" } },
  flags: { tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" } },
  examples: [
    {
      text: "Edit a config, and give the result another tag",
      command: "gcrane edit config registry.example.com/app:v1 -t registry.example.com/app:v2",
    },
    {
      text: "Replace a config by a file",
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
