import { fileURLToPath } from "node:url";
import { available, pathOf } from "../peers/mod.ts";

/** Two registries and a folder to work in. */
export interface Place {
  /** Where the sample is: `host:port`. */
  readonly source: string;
  /** Where copies go. */
  readonly target: string;
  /** A folder for what is written; gone at the end. */
  readonly folder: string;
  /** Plain tarballs to make layers of. */
  readonly tarballs?: readonly string[];
}

/** One thing to do, once: `name` is new each time, so that nothing is there yet. */
export interface Job {
  readonly place: Place;
  readonly name: string;
}

/** The forms in which gcrane runs. The bundle and the binary are released, and have a budget. */
export type Form = "Deno source" | "Deno bundle" | "Bun source" | "binary";

/** The commands of a tool for each piece of work; unsupported ones are left out. */
export interface Tool {
  /** The form of gcrane; none for another program. */
  readonly form?: Form;
  /** What to call it. */
  readonly name: string;
  /** The words that run gcrane or crane. */
  readonly words?: readonly string[];
  /** Whether it is several programs, one after the other, so that no peak of memory is known. */
  readonly several?: boolean;
  /** The command for each piece of work. */
  readonly commands: Readonly<Partial<Record<Work, (job: Job) => readonly string[]>>>;
}

/** What is timed, in this order. */
export const works = [
  "copy",
  "copy, all there",
  "copy, all mounted",
  "pull tarball",
  "pull OCI layout",
  "push tarball",
  "push OCI layout",
  "export",
  "append",
  "flatten",
  "validate",
  "digest",
  "ls",
] as const;

/** One of the things that are timed. */
export type Work = typeof works[number];

/** The image that everything is done with, in the source registry. */
export const sample = "bench/sample:v1";

/** The released forms of gcrane, by their paths. */
export interface Released {
  /** The entry of the split bundle for Deno. */
  readonly bundle: string;
  /** The executable. */
  readonly binary: string;
}

/**
 * Returns gcrane in each form that this machine can run, then its peers. The source on Deno is left out of what takes
 * long, where it does as its bundle does.
 */
export function tools(released?: Released): Tool[] {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const deno = "Deno" in globalThis ? Deno.execPath() : undefined;
  const ours = (form: Form, command: readonly string[]): Tool => ({ ...craneLike(`gcrane, ${form}`, command), form });
  const source = deno && ours("Deno source", [deno, "run", "-A", "--no-check", main]);
  return [
    ...(source ? [released ? onlyStarts(source) : source] : []),
    ...(deno && released ? [ours("Deno bundle", [deno, "run", "-A", released.bundle])] : []),
    ...(available("bun") ? [ours("Bun source", [pathOf("bun"), "run", main])] : []),
    ...(released ? [ours("binary", [released.binary])] : []),
    ...(available("crane") ? [craneLike("crane", [pathOf("crane")])] : []),
    ...(available("skopeo") ? [skopeo(pathOf("skopeo"))] : []),
    ...(available("skopeo") && available("umoci") ? [skopeoWithUmoci()] : []),
  ];
}

function onlyStarts(tool: Tool): Tool {
  const { digest, ls } = tool.commands;
  return { ...tool, commands: { digest, ls } };
}

/** Both crane and gcrane take these words. */
function craneLike(name: string, command: readonly string[]): Tool {
  const image = ({ source }: Place) => `${source}/${sample}`;
  const at = ({ place, name }: Job) => `${place.target}/bench/${name}:v1`;
  return {
    name,
    words: command,
    commands: {
      "copy": (job) => [...command, "copy", image(job.place), at(job)],
      "copy, all there": ({ place }) => [...command, "copy", image(place), `${place.target}/bench/there:v1`],
      "copy, all mounted": ({ place, name }) => [...command, "copy", image(place), `${place.source}/bench/${name}:v1`],
      "pull tarball": ({ place, name }) => [...command, "pull", image(place), `${place.folder}/${name}.tar`],
      "pull OCI layout": ({ place, name }) => [
        ...command,
        "pull",
        "--format=oci",
        image(place),
        `${place.folder}/${name}`,
      ],
      "push tarball": (job) => [...command, "push", `${job.place.folder}/sample.tar`, at(job)],
      "push OCI layout": (job) => [...command, "push", `${job.place.folder}/sample`, at(job)],
      "export": ({ place, name }) => [...command, "export", image(place), `${place.folder}/${name}.tar`],
      "append": (job) => [
        ...command,
        "append",
        ...job.place.tarballs?.flatMap((path) => ["-f", path]) ?? [],
        ...["-t", at(job)],
      ],
      "flatten": (job) => [...command, "flatten", image(job.place), "-t", at(job)],
      "validate": ({ place }) => [...command, "validate", "--remote", image(place)],
      "digest": ({ place }) => [...command, "digest", image(place)],
      "ls": ({ place }) => [...command, "ls", image(place).replace(/:v1$/, "")],
    },
  };
}

function skopeo(program: string): Tool {
  const image = ({ source }: Place) => `docker://${source}/${sample}`;
  const at = ({ place, name }: Job) => `docker://${place.target}/bench/${name}:v1`;
  const copy = (from: string, to: string) => {
    const flags = [
      ...(from.startsWith("docker:") ? ["--src-tls-verify=false"] : []),
      ...(to.startsWith("docker:") ? ["--dest-tls-verify=false"] : []),
    ];
    // It remembers across runs where a registry has a blob, and would mount what it copied a run ago.
    const forgetful = ["sh", "-c", 'rm -f /var/lib/containers/cache/blob-info-cache-v1.*; exec "$@"', "sh"];
    return [...forgetful, program, "--insecure-policy", "copy", "--quiet", ...flags, from, to];
  };
  return {
    name: "skopeo",
    commands: {
      "copy": (job) => copy(image(job.place), at(job)),
      "copy, all there": ({ place }) => copy(image(place), `docker://${place.target}/bench/there:v1`),
      "pull tarball": ({ place, name }) => copy(image(place), `docker-archive:${place.folder}/${name}.tar`),
      "pull OCI layout": ({ place, name }) => copy(image(place), `oci:${place.folder}/${name}:v1`),
      "push tarball": (job) => copy(`docker-archive:${job.place.folder}/sample.tar`, at(job)),
      "push OCI layout": (job) => copy(`oci:${job.place.folder}/sample`, at(job)),
      "digest": ({ place }) => [program, "inspect", "--tls-verify=false", "--format", "{{.Digest}}", image(place)],
      "ls": ({ place }) => [program, "list-tags", "--tls-verify=false", image(place).replace(/:v1$/, "")],
    },
  };
}

/** What it takes to do what they can't do alone: a layout, unpacked by umoci, packed by tar, and for an image back again. */
function skopeoWithUmoci(): Tool {
  const script = (steps: string) => ({ place, name }: Job) => {
    const variables = {
      IMAGE: `docker://${place.source}/${sample}`,
      TARGET: `docker://${place.target}/bench/${name}:v1`,
      WORK: `${place.folder}/${name}`,
    };
    const settings = Object.entries(variables).map(([variable, value]) => `${variable}=${value}`);
    return ["env", ...settings, "sh", "-ec", `mkdir "$WORK"; ${steps}`];
  };
  const unpack = 'skopeo --insecure-policy copy --quiet --src-tls-verify=false "$IMAGE" "oci:$WORK/all:v1"; ' +
    'umoci raw unpack --image "$WORK/all:v1" "$WORK/rootfs"; tar -C "$WORK/rootfs" -cf "$WORK.tar" .';
  const pack = 'umoci init --layout "$WORK/flat"; umoci new --image "$WORK/flat:v1"; ' +
    'umoci raw add-layer --image "$WORK/flat:v1" "$WORK.tar"; ' +
    'skopeo --insecure-policy copy --quiet --dest-tls-verify=false "oci:$WORK/flat:v1" "$TARGET"';
  return {
    name: "skopeo+umoci",
    several: true,
    commands: { "export": script(unpack), "flatten": script(`${unpack}; ${pack}`) },
  };
}
