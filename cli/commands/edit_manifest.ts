import { type Command, command as declare } from "../command.ts";
import { jsonEditing, withEdited } from "../edit_text.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane edit manifest` */
export const command: Command = declare({
  description:
    `Opens the manifest of an image or an index in $EDITOR; where standard input is no terminal, it is the new manifest. What it points at must be in the repository that it is pushed to.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name. If that fails, as when the new text is no JSON, the text is kept in a file.`,
  args: { image: { help: "The image or the index" } },
  flags: {
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
    mediaType: {
      type: "string",
      short: "m",
      valueName: "TYPE",
      help: "The media type to push it as, instead of the one that it names",
    },
  },
  examples: [
    {
      text: "Edit a manifest",
      command: "gcrane edit manifest registry.example.com/app:v1 -t registry.example.com/app:v2",
    },
  ],
  async run(context) {
    const { args, flags, stdout } = context;
    const { editManifest } = await import("../../src/crane/mod.ts");
    const options = { ...remoteOptions(context), tag: flags.tag, mediaType: flags.mediaType };
    await stdout.print(
      await withEdited(jsonEditing("manifest"), context, (edit) => editManifest(args.image, edit, options)),
    );
  },
});
