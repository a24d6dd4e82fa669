import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane delete` */
export const command: Command = declare({
  description: "Deletes a manifest by digest, or a tag. The registry removes the layers later.",
  args: { image: { help: "The image, by tag or by digest" } },
  examples: [
    {
      text: "Delete the manifest of a tag, with all its tags",
      command: "gcrane delete $(gcrane digest --full-ref registry.example.com/app:old)",
    },
  ],
  async run(context) {
    const { remove } = await import("../../src/crane/mod.ts");
    await remove(context.args.image, remoteOptions(context));
  },
});
