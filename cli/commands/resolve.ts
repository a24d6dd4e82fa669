import { UsageError } from "../../src/errors.ts";
import { joinPath, readDirectory, resolvePath, stat } from "../../src/runtime/mod.ts";
import { buildFlags } from "../build_flags.ts";
import { runBuild, sbomFormats } from "../build_source.ts";
import { publishBuilt } from "../build_target.ts";
import { type Command, command as declare } from "../command.ts";
import { namedSource } from "../local_source.ts";
import { readNamed } from "../named_file.ts";

/** `gcrane resolve` */
export const command: Command = declare({
  description:
    `Reads Kubernetes YAML, builds the app in DIR for each value "gcrane://DIR", as "gcrane build DIR" does, pushes the images, and prints the YAML with their digests in place of the values. Comments and everything else keep their text. DIR is relative to the current folder.

The image of an app gets the name of its folder below --repo. -f may name a file, a folder, whose files with the extensions yaml, yml and json are read, or "-" for standard input.`,
  flags: {
    filename: {
      type: "strings",
      short: "f",
      valueName: "PATH",
      commas: true,
      completes: "file",
      help: 'A file or a folder with YAML, or "-"',
    },
    repo: { type: "string", valueName: "REPOSITORY", help: "Where the images go: REPOSITORY/FOLDER" },
    tag: { type: "string", short: "t", valueName: "TAG", default: "latest", help: "The tag of the images" },
    ...buildFlags,
  },
  examples: [
    {
      text: "Build what manifests name, and apply them",
      command: "gcrane resolve -f k8s/ --repo registry.example.com/team | kubectl apply -f -",
    },
  ],
  transfers: true,
  async run(context) {
    const { flags, stdout, stdin, signal } = context;
    const { filename, repo, tag } = flags;
    if (filename.length === 0) throw new UsageError("no file is given", { hint: "name one with -f" });
    if (repo === undefined) throw new UsageError("no repository is given", { hint: "name one with --repo" });
    if ((await namedSource(repo)).kind !== "reference") {
      throw new UsageError(`${repo} is not a repository of a registry, which Kubernetes pulls from`);
    }
    const sboms = sbomFormats(flags.sbom);
    const { resolveYaml } = await import("../../src/build/mod.ts");
    const taken = new Map<string, string>();
    const built = new Map<string, Promise<string>>();
    const build = async (directory: string): Promise<string> => {
      const name = resolvePath(directory).replaceAll("\\", "/").split("/").at(-1)!.toLowerCase();
      const other = taken.get(name);
      if (other !== undefined) {
        throw new UsageError(`${other} and ${directory} both give the name ${repo}/${name}`, {
          hint: "rename one of the folders, or build it on its own",
        });
      }
      taken.set(name, directory);
      const image = await runBuild({ directory, bundle: false }, context);
      return (await publishBuilt(image, `${repo}/${name}:${tag}`, { sboms, context }))!;
    };
    const imageOf = (directory: string) => {
      const key = resolvePath(directory);
      const known = built.get(key) ?? build(directory);
      built.set(key, known);
      return known;
    };
    const texts: string[] = [];
    for (const path of await filesIn(filename)) {
      const text = path === "-" ? await textOf(stdin(), signal) : await readNamed(path);
      texts.push(await resolveYaml(text, imageOf, path === "-" ? "standard input" : path));
    }
    await stdout.print(texts.map((text) => text.replace(/\n+$/, "")).join("\n---\n"));
  },
});

/** Returns the files of paths, those of a folder sorted by name. */
async function filesIn(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (path === "-" || (await stat(path)).kind !== "directory") {
      found.push(path);
      continue;
    }
    for (const { name, kind } of await readDirectory(path)) {
      const inside = joinPath(path, name);
      if (kind === "directory") found.push(...await filesIn([inside]));
      else if (/\.(?:ya?ml|json)$/i.test(name)) found.push(inside);
    }
  }
  return found;
}

async function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>, signal: AbortSignal): Promise<string> {
  const { Limits, readAll } = await import("../../src/io/mod.ts");
  const bytes = await readAll(stream, { limit: Limits.manifest, what: "standard input", signal });
  return new TextDecoder().decode(bytes);
}
