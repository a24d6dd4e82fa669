import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { withEdited } from "../edit_text.ts";
import { imageSource } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane edit fs` */
export const command: Command = declare({
  description:
    `Opens a file of the image in $EDITOR; where standard input is no terminal, it is the file's new content. The result has one layer more, with that file alone; its mode, owner and extended attributes stay. Of an index, --platform names the image. When nothing was changed, nothing is pushed or printed.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name. If that fails, the text is kept in a file.`,
  args: {
    image: { help: "The image" },
    file: { help: "The path of the file in the image", optional: true },
  },
  flags: {
    filename: { type: "string", short: "f", valueName: "FILE", hidden: true, help: "The file, as an argument says" },
    create: { type: "boolean", help: "Make the file if it is not there" },
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
  },
  examples: [
    {
      text: "Edit a file, and give the result another tag",
      command: "gcrane edit fs registry.example.com/app:v1 etc/os-release -t registry.example.com/app:v2",
    },
    {
      text: "Replace a file by another",
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
    const editing = { what: path, fileName: path.split("/").findLast((name) => name !== "") ?? "file" };
    const pushed = await withEdited(editing, context, (edit) => editFile(source, { path, edit }, options));
    if (pushed !== undefined) return await stdout.print(pushed);
    note(`${path} is as it was: nothing was pushed`);
  },
});
