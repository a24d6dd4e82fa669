import { UsageError } from "../../src/errors.ts";
import type { BuiltImage } from "../../src/build/mod.ts";
import { platformString } from "../../src/spec/mod.ts";
import { buildFlags, imageFlags } from "../build_flags.ts";
import { type BuildSource, runBuild, sbomFormats } from "../build_source.ts";
import { publishBuilt, writeBuilt } from "../build_target.ts";
import { type Command, command as declare } from "../command.ts";
import { daemonName } from "../local_source.ts";
import { jsonLine } from "../terminal_text.ts";

/** `gcrane build` */
export const command: Command = declare({
  description:
    `Builds an image of an app for Node.js, Bun or Deno, without Docker and without running anything of it. The app's lock file (package-lock.json, pnpm-lock.yaml, yarn.lock, bun.lock, deno.lock) gives the packages; those in node_modules are taken from there, and the others from the package registry, verified. The image has layers for the packages, one for the app, and a base with the runtime; it runs as user 65532, without a shell.

The entry is the file of scripts.start ("node server.js"), bin, main or exports; --entry names another one. The key "gcrane" in package.json or deno.json may have base, runtime, entry, args, env, labels, user, ports, include, exclude, platforms, libc, ignoreScripts and layers; flags come first.

Builds an image for every platform of the base, or for each --platform. The same files give the same digest: times are SOURCE_DATE_EPOCH, or the beginning of 1970. Files that may hold secrets, such as .env, .npmrc and keys, stay out unless --include names them.

Pushes the image under the name of -t and prints its digest; daemon://NAME loads it into the Docker Engine or podman. With --output, writes it to a layout or, for a name like app.tar, to an archive; docker-archive:PATH is for docker load.`,
  args: { dir: { help: "The folder of the app, the current one by default", optional: true, completes: "directory" } },
  flags: {
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the image" },
    ...buildFlags,
    ...imageFlags,
    bundle: {
      type: "string",
      valueName: "DIR",
      completes: "directory",
      help: "Build of a folder that has all that is needed, as frameworks and bun build --compile make it",
    },
    output: {
      type: "string",
      short: "o",
      valueName: "PATH",
      completes: "file",
      help: "Write the image to a layout or an archive instead of pushing it",
    },
    imageRefs: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      help: "Write the pushed reference to a file",
    },
    json: { type: "boolean", help: "Print one line of JSON on the image, its platforms and layers" },
  },
  examples: [
    { text: "Build and push an app", command: "gcrane build -t registry.example.com/app:v1" },
    {
      text: "Build one platform into an archive for docker load",
      command: "gcrane build ./api --platform linux/arm64 -o docker-archive:api.tar -t api:v1",
    },
    {
      text: "Build what a framework has made",
      command: "gcrane build --bundle .output --entry server/index.mjs --port 3000 -t registry.example.com/site:v1",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { tag, output, bundle } = flags;
    if (tag === undefined && output === undefined) {
      throw new UsageError("no name is given for the image", { hint: "give one with -t, or write it with --output" });
    }
    if (bundle !== undefined && args.dir !== undefined) {
      throw new UsageError("--bundle and DIR both name what is built", { hint: "leave out one" });
    }
    const isPushed = output === undefined && await daemonName(tag!) === undefined;
    if (flags.imageRefs !== undefined && !isPushed) {
      throw new UsageError("--image-refs is for images that are pushed", {
        hint: "give -t the name of an image in a registry, without --output",
      });
    }
    const source: BuildSource = bundle === undefined
      ? { directory: args.dir ?? ".", bundle: false }
      : { directory: bundle, bundle: true };
    const sboms = sbomFormats(flags.sbom);
    const built = await runBuild(source, context);
    let reference: string | undefined;
    if (output !== undefined) await writeBuilt(built.view, output, { name: tag, context });
    else reference = await publishBuilt(built, tag!, { sboms, context });
    if (flags.imageRefs !== undefined) {
      const { writeFile } = await import("../named_file.ts");
      await writeFile(flags.imageRefs, `${reference}\n`, { signal });
    }
    if (flags.json) await stdout.print(jsonLine(await factsOf(built, reference)));
    else await stdout.print(reference ?? await built.view.digest({ signal }));
  },
});

/** Returns what --json prints. */
async function factsOf({ view, plan, base, platforms }: BuiltImage, reference: string | undefined): Promise<unknown> {
  return {
    reference,
    digest: await view.digest(),
    base,
    runtime: plan.runtime,
    entry: plan.entry,
    platforms: await Promise.all(platforms.map(async ({ platform, image, layers, lock }) => ({
      platform: platformString(platform),
      digest: await image.digest(),
      packages: lock.packages.length,
      layers: await Promise.all(layers.map(async ({ what, layer }) => ({
        what,
        digest: await layer.digest(),
        size: await layer.size(),
      }))),
    }))),
  };
}
