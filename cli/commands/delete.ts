import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane delete` */
export const command: Command = declare({
  description:
    "Deletes the manifest, or the tag where the reference is one. The registry frees the layers in its own time.",
  args: { image: { help: "What to delete" } },
  examples: [
    {
      text: "Delete what a tag points at, with all its tags",
      command: "gcrane delete $(gcrane digest --full-ref registry.example.com/app:old)",
    },
  ],
  async run(context) {
    const { remove } = await import("../../src/crane/mod.ts");
    await remove(context.args.image, remoteOptions(context));
  },
});
