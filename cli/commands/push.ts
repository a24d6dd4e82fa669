import { UsageError } from "../../src/errors.ts";
import { exists } from "../../src/runtime/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { daemonName, giveToEngine, inputTarball, referenceText } from "../local_source.ts";
import { platformsOptions } from "../remote_options.ts";

/** `gcrane push` */
export const command: Command = declare({
  description:
    `A directory is read as an OCI image layout, a file as a tarball of docker save, podman save or gcrane pull, or as a layout in a tar archive. "-" reads such a file from standard input.

Pushes every image of an index. With --platform, pushes the image for one platform, or an index of the images for several. daemon://NAME for IMAGE loads an image into the Docker Engine of DOCKER_HOST, or into podman, and prints nothing.`,
  args: {
    path: { help: 'The tarball or the layout, or "-"', completes: "file" },
    image: { help: "The name of the image" },
  },
  flags: {
    index: { type: "boolean", help: "Push all images of a layout or a tarball as one index" },
    imageRefs: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      help: "Write the pushed references to a file",
    },
    tag: { type: "string", valueName: "NAME", help: "The name of one image of several, like PATH:NAME" },
  },
  examples: [
    { text: "Push a tarball of docker save", command: "gcrane push app.tar registry.example.com/app:v1" },
    { text: "Push all of a layout", command: "gcrane push --index ./layout registry.example.com/app:v1" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { push } = await import("../../src/crane/mod.ts");
    const { load, parseSource, splitLocalPath } = await import("../../src/source/mod.ts");
    const options = { ...platformsOptions(context), onProgress: context.onProgress };
    const { index, tag } = flags;
    if (index && tag !== undefined) {
      throw new UsageError("--index pushes all images, and --tag selects one", { hint: "leave out one" });
    }
    const named = parseSource(args.path);
    // This argument can only be a path, so any path is accepted.
    const local = args.path === "-" ? undefined : await splitLocalPath(named.kind === "path" ? named.text : args.path);
    const from = local === undefined ? await inputTarball(context) : local.path;
    const view = await load(from, { ...options, index, tag: tag ?? local?.tag }).catch(async (error) => {
      throw await inWrongOrder(args) ?? error;
    });
    const engineName = await daemonName(args.image);
    if (engineName !== undefined) return await giveToEngine(view, engineName, context);
    const pushed = await push(view, await referenceText(args.image), options);
    await stdout.print(pushed);
    if (flags.imageRefs === undefined) return;
    const { writeFile } = await import("../named_file.ts");
    await writeFile(flags.imageRefs, `${pushed}\n`, { signal });
  },
});

/** Returns an error if the image is given before the file, as in most other commands. */
async function inWrongOrder({ path, image }: { path: string; image: string }): Promise<UsageError | undefined> {
  if (await exists(path) || !await exists(image)) return undefined;
  return new UsageError(`there is no file ${path}`, { hint: `the file comes first: gcrane push ${image} ${path}` });
}
