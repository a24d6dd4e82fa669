import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { editorFileName, withEdited } from "../edit_text.ts";
import { imageSource } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane edit fs` */
export const command: Command = declare({
  description:
    `Opens a file of the image in $EDITOR; if standard input is not a terminal, it is the file's new content. The result has an additional layer with that file; its mode, owner and extended attributes are kept. For an index, --platform selects the image. Without a change nothing is pushed or printed.

The original stays. Pushes the result under the name of -t, or to the same repository by digest, and prints its digest. If that fails, the text is saved to a file.`,
  args: {
    image: { help: "The image" },
    file: { help: "The path of the file in the image", optional: true },
  },
  flags: {
    filename: { type: "string", short: "f", valueName: "FILE", hidden: true, help: "The file, like the argument FILE" },
    create: { type: "boolean", help: "Create the file if it does not exist" },
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
  },
  examples: [
    {
      text: "Edit a file, and give the result another tag",
      command: "gcrane edit fs registry.example.com/app:v1 etc/os-release -t registry.example.com/app:v2",
    },
    {
      text: "Replace a file with another",
      command: "gcrane edit fs registry.example.com/app:v1 etc/motd --create -t registry.example.com/app:v2 < motd",
    },
  ],
  async run(context) {
    const { args, flags, stdout, note } = context;
    if (args.file !== undefined && flags.filename !== undefined) {
      throw new UsageError("the file is named twice", { hint: "leave out --filename" });
    }
    const path = args.file ?? flags.filename;
    if (path === undefined) throw new UsageError("no file is named", { hint: "name the image, then the file in it" });
    const { create, tag } = flags;
    const options = { ...remoteOptions(context), create, tag };
    const { editFile } = await import("../../src/crane/mod.ts");
    const source = await imageSource(args.image, context);
    const editing = { what: path, fileName: editorFileName(path) };
    const pushed = await withEdited(editing, context, (edit) => editFile(source, { path, edit }, options));
    if (pushed !== undefined) return await stdout.print(pushed);
    note(`${path} is unchanged: nothing was pushed`);
  },
});
