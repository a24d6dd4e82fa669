import { UsageError } from "../../src/errors.ts";
import { exists } from "../../src/runtime/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { daemonName, giveToEngine, inputTarball, referenceText } from "../local_source.ts";
import { platformsOptions } from "../remote_options.ts";

/** `gcrane push` */
export const command: Command = declare({
  description:
    `A directory is read as an OCI image layout, a file as a tarball of docker save, podman save or gcrane pull, or as a layout in a tar archive. "-" reads such a file from standard input.

Pushes every image of an index. With --platform, pushes the image for one platform, or an index of the images for several. daemon://NAME for IMAGE loads an image into the Docker Engine of DOCKER_HOST, or into podman, and prints nothing.

With --all, pushes every image of a layout or a tarball to one repository: an image of the name app:v1 gets the tag v1, and one without a name none.`,
  args: {
    path: { help: 'The tarball or the layout, or "-"', completes: "file" },
    image: { help: "The name of the image", optional: true },
  },
  flags: {
    index: { type: "boolean", help: "Push all images of a layout or a tarball as one index" },
    imageRefs: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      help: "Write the pushed references to a file",
    },
    all: { type: "string", valueName: "REPO", help: "Push every image to a repository, each under its own tag" },
    tag: { type: "string", valueName: "NAME", help: "The name of one image of several, like PATH:NAME" },
  },
  examples: [
    { text: "Push a tarball of docker save", command: "gcrane push app.tar registry.example.com/app:v1" },
    {
      text: "Push every image of a tarball under its tag",
      command: "gcrane push app.tar --all registry.example.com/app",
    },
    { text: "Push all of a layout as an index", command: "gcrane push --index ./layout registry.example.com/app:v1" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { push, pushAll } = await import("../../src/crane/mod.ts");
    const { load, loadAll, parseSource, splitLocalPath } = await import("../../src/source/mod.ts");
    const options = { ...platformsOptions(context), onProgress: context.onProgress };
    const { index, tag, all } = flags;
    if (all !== undefined && (index || tag !== undefined || args.image !== undefined)) {
      throw new UsageError("--all pushes each image under its own tag", {
        hint: "leave out the name, --index and --tag",
      });
    }
    if (all === undefined && args.image === undefined) {
      throw new UsageError("no name is given for the image", { hint: "or push every image with --all REPO" });
    }
    if (index && tag !== undefined) {
      throw new UsageError("--index pushes all images, and --tag selects one", { hint: "leave out one" });
    }
    const named = parseSource(args.path);
    // This argument can only be a path, so any path is accepted.
    const local = args.path === "-" ? undefined : await splitLocalPath(named.kind === "path" ? named.text : args.path);
    const from = local === undefined ? await inputTarball(context) : local.path;
    const publish = async (lines: readonly string[]) => {
      for (const line of lines) await stdout.print(line);
      if (flags.imageRefs === undefined) return;
      const { writeFile } = await import("../named_file.ts");
      await writeFile(flags.imageRefs, lines.map((line) => `${line}\n`).join(""), { signal });
    };
    if (all !== undefined) {
      if (local?.tag !== undefined) {
        throw new UsageError(`${args.path} names one image`, { hint: "leave out its name" });
      }
      return await publish(await pushAll(await loadAll(from, options), await referenceText(all), options));
    }
    const image = args.image!;
    const view = await load(from, { ...options, index, tag: tag ?? local?.tag }).catch(async (error) => {
      throw await inWrongOrder({ path: args.path, image }) ?? error;
    });
    const engineName = await daemonName(image);
    if (engineName !== undefined) return await giveToEngine(view, engineName, context);
    await publish([await push(view, await referenceText(image), options)]);
  },
});

/** Returns an error if the image is given before the file, as in most other commands. */
async function inWrongOrder({ path, image }: { path: string; image: string }): Promise<UsageError | undefined> {
  if (await exists(path) || !await exists(image)) return undefined;
  return new UsageError(`there is no file ${path}`, { hint: `the file comes first: gcrane push ${image} ${path}` });
}
