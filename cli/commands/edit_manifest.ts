import { type Command, command as declare } from "../command.ts";
import { jsonEditing, withEdited } from "../edit_text.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane edit manifest` */
export const command: Command = declare({
  description:
    `Opens the manifest of an image or an index in $EDITOR; if standard input is not a terminal, it is the new manifest. Its content must be in the repository that it is pushed to.

The original stays. Pushes the result under the name of -t, or to the same repository by digest, and prints its digest. If that fails, for example because the new text is not JSON, the text is saved to a file.`,
  args: { image: { help: "The image or the index" } },
  flags: {
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
    mediaType: {
      type: "string",
      short: "m",
      valueName: "TYPE",
      help: "The media type of the result, instead of its own",
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
