// Runs the examples of the help, or with the word "documents" the lines of docs/coming_from_*.md, in the current folder, which they fill and of which nothing is left, and prints for each a
// line of JSON, an `Ended`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { parseWords } from "../../../cli/parse_words.ts";
import { isCommandEntry, resolveCommand } from "../../../cli/resolve.ts";
import { gcrane } from "../../../cli/table.ts";
import { emptyImage, emptyIndex, layerFromBytes } from "../../../src/image/mod.ts";
import { createLayout } from "../../../src/layout/mod.ts";
import { annotateBase, appendLayers, appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { writeTar } from "../../../src/tar/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { fakeFetch, FakeRegistry } from "../../fakes/mod.ts";
import { writeFiles } from "../../make/app_folder.ts";
import { baseFor } from "../../make/built_apps.ts";
import { commandEntries } from "../../make/command_entries.ts";
import { World } from "../../make/command_world.ts";

/** How an example ended. */
export interface Ended {
  /** The command that it is an example of; empty for gcrane itself. */
  path: string;
  /** The line of the example. */
  line: string;
  /** The exit code. */
  code: number;
  /** What it wrote to standard error. */
  err: string;
}

/** What the examples speak of. Gives the digest of a layer of the image. */
async function prepare(world: World): Promise<string> {
  const files = [{ path: "etc/os-release", content: new TextEncoder().encode("ID=example\n") }];
  const tar = new Uint8Array(await new Response(writeTar(files)).arrayBuffer());
  const layer = await layerFromBytes(tar);
  const image = appendLayers(emptyImage(), [layer]);
  const repositories = [
    "registry.example.com/app",
    "registry.example.com/base",
    "registry.example.com/team/app",
    "gcr.io/project/app",
    "localhost:5000/app",
  ];
  for (const repository of repositories) await world.push(image, `${repository}:v1`);
  for (const tag of ["old", "v1.2.3"]) await world.push(image, `registry.example.com/app:${tag}`);
  const digest = await world.push(image, "registry.example.com/base:v2");
  const based = annotateBase(image, { name: "registry.example.com/base:v1", digest });
  await world.push(based, "registry.example.com/based:v1");
  const arm = changeImage(image, { platform: { os: "linux", architecture: "arm64" } });
  const multi = appendManifests(emptyIndex(), [image, arm]);
  await world.push(multi, "registry.example.com/multi:v1");
  await (await createLayout(world.path("multi"))).appendIndex(multi);
  mkdirSync(world.path("build"));
  world.write("build/index.html", "<p>");
  world.write("rootfs.tar.gz", gzipSync(tar));
  await writeTarballFile(world.path("app.tar"), [{ reference: "app:v1", image }]);
  await (await createLayout(world.path("layout"))).appendImage(image);
  world.write("plan.json", '{"kind":"gcrane gc plan","version":1,"items":[]}');
  for (const folder of ["docker", "registry"]) mkdirSync(world.path(folder));
  const auths = { "registry.example.com": { auth: btoa("me:s3cret") } };
  writeFileSync(world.path("docker/config.json"), JSON.stringify({ auths }));
  world.write("source.json", JSON.stringify({ auths }));
  world.write(
    "regsync.yml",
    "sync: [{ source: registry.example.com/app, target: mirror.example.com/app, type: repository }]",
  );
  world.write("sync.yml", "registry.example.com: { images: { app: [v1] } }");
  await prepareApps(world);
  return await layer.digest();
}

/** Apps to build, in the current folder and below it. */
async function prepareApps(world: World): Promise<void> {
  await world.push(baseFor("linux/amd64", "linux/arm64"), "gcr.io/distroless/nodejs24-debian13:nonroot");
  const app = { "package.json": { main: "server.js" }, "server.js": "export {};\n" };
  for (const folder of [".", "api"]) writeFiles(world.path(folder), app);
  writeFiles(world.path(".output"), { "server/index.mjs": "export {};\n" });
  writeFiles(world.path("k8s"), { "api.yaml": "image: gcrane://./api\n" });
}

/** The network of the examples: Docker Hub gives tokens. */
function network(world: World): typeof fetch {
  const hub = new FakeRegistry({ auth: "bearer" });
  const { fetch } = fakeFetch({ "https://index.docker.io": hub.handle });
  return (input, init) => {
    const { host } = new URL(input instanceof Request ? input.url : input);
    return host === "index.docker.io" ? fetch(input, init) : world.fetch(input, init);
  };
}

/** The part of a line of shell that gcrane is given, what other programs put there filled in. */
async function wordsOf(line: string, run: (words: string) => Promise<string>): Promise<string> {
  const nested = /^gcrane .*\$\(gcrane ([^)]*)\)/.exec(line);
  const filled = nested ? line.replace(`$(gcrane ${nested[1]})`, (await run(nested[1])).trim()) : line;
  return /\bgcrane ((?:'[^']*'|[^|<>)&;'])*)/.exec(filled)![1];
}

/** Parses the words of a line. */
async function parsed(line: readonly string[]): Promise<{ code: number; err: string }> {
  const { entry, words } = resolveCommand(gcrane, line);
  if (entry === undefined || !isCommandEntry(entry)) return { code: 2, err: "no command" };
  const { args, flags } = (await entry.load()).command;
  await parseWords(words, { args, flags: { ...gcrane.flags, ...flags }, environment: () => undefined });
  return { code: 0, err: "" };
}

/** The lines of gcrane in the documents for users of other programs. */
function documentedLines(): [page: string, line: string][] {
  const folder = new URL("../../../docs/", import.meta.url);
  return readdirSync(folder).filter((name) => name.startsWith("coming_from_")).flatMap((page) =>
    Array.from(
      readFileSync(new URL(page, folder), "utf8").matchAll(/`(gcrane \w[^`]*)`/g),
      ([, line]): [string, string] => [page, line.replaceAll("\\|", "|")],
    ).filter(([, line]) => !/--help$|^gcrane registry serve$/.test(line))
  );
}

/** The examples of the help. */
async function helpLines(): Promise<[path: string, line: string][]> {
  const all = gcrane.examples.map(({ command }): [string, string] => ["", command]);
  for (const [path, entry] of commandEntries(gcrane.entries)) {
    // It would take a port that may be in use, and not end by itself: its own tests serve in every way.
    if (path === "registry serve") continue;
    for (const { command } of (await entry.load()).command.examples) all.push([path, command]);
  }
  return all;
}

async function ended(path: string, line: string): Promise<Ended> {
  const world = new World({}, process.cwd());
  const digest = await prepare(world);
  // A user at the terminal whose editor changes nothing.
  const options = {
    fetch: network(world),
    stdin: "s3cret\n",
    answers: ["s3cret"],
    environment: { EDITOR: "true", DST_USERNAME: "me", DST_PASSWORD: "s3cret" },
  };
  const words = await wordsOf(line.replace("sha256:…", digest), (nested) => world.data(nested, options));
  const split = Array.from(words.matchAll(/'([^']*)'|[^\s']+/g), ([word, quoted]) => quoted ?? word);
  // There is no engine here, so such a line is only parsed.
  const { code, err } = line.includes("daemon://") ? await parsed(split) : await world.gcrane(split, options);
  for (const name of readdirSync(".")) rmSync(name, { recursive: true });
  // As with diff, to find a difference is no failure.
  return { path, line, code: words.startsWith("diff ") && code === 1 ? 0 : code, err };
}

const lines = process.argv[2] === "documents" ? documentedLines() : await helpLines();
for (const [path, line] of lines) console.log(JSON.stringify(await ended(path, line)));
