import { UsageError } from "../../src/errors.ts";
import { exists } from "../../src/runtime/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { imageFromInput } from "../image_input.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane push` */
export const command: Command = declare({
  description:
    'A directory is read as an OCI image layout, a file as a tarball that docker save, podman save or gcrane pull wrote. "-" reads such a tarball from standard input.',
  args: {
    path: { help: 'The tarball or the layout, or "-"', completes: "file" },
    image: { help: "What to push it as" },
  },
  flags: {
    index: { type: "boolean", help: "Push all that a layout holds as one index" },
    imageRefs: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      help: "Write the references of what was pushed to a file",
    },
    tag: { type: "string", valueName: "NAME", help: "Which image of a tarball that holds several" },
  },
  examples: [
    { text: "Push what docker save wrote", command: "gcrane push app.tar registry.example.com/app:v1" },
    { text: "Push all of a layout", command: "gcrane push --index ./layout registry.example.com/app:v1" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { load, push } = await import("../../src/crane/mod.ts");
    const options = { ...remoteOptions(context), onProgress: context.onProgress };
    const { index, tag } = flags;
    const view = args.path === "-"
      ? await imageFromInput(context, { tag, signal })
      : await load(args.path, { ...options, index, tag }).catch(async (error) => {
        throw await inWrongOrder(args) ?? error;
      });
    const pushed = await push(view, args.image, options);
    await stdout.print(pushed);
    if (flags.imageRefs === undefined) return;
    const { writeFile } = await import("../write_file.ts");
    await writeFile(flags.imageRefs, `${pushed}\n`, { signal });
  },
});

/** The error for whoever names the image first and then the file, as most commands have it. */
async function inWrongOrder({ path, image }: { path: string; image: string }): Promise<UsageError | undefined> {
  if (await exists(path) || !await exists(image)) return undefined;
  return new UsageError(`there is no file ${path}`, { hint: `the file comes first: gcrane push ${image} ${path}` });
}
