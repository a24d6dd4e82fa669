// What differs from crane on purpose. docs/differences.md has the same rows.

import type { Finding } from "./side_by_side.ts";

/** A kind of difference. */
export interface DifferenceKind {
  /** The commands, as the document names them. */
  readonly commands: string;
  readonly crane: string;
  readonly ours: string;
  readonly reason: string;
  /** Whether a finding is of this kind; `all` are those of the same case. */
  readonly explains: (finding: Located, all: readonly Finding[]) => boolean;
}

/** A finding with its path apart: the members of indexes that lead to the document, and the place in it. */
export interface Located extends Finding {
  readonly member: string;
  readonly place: string;
}

export function located(finding: Finding): Located {
  const [member] = /^(?:manifests\[\d+\]\/)*/.exec(finding.path)!;
  return { ...finding, member, place: finding.path.slice(member.length) };
}

const KNOWN = new Set(
  ("schemaVersion mediaType config layers manifests annotations subject size digest data urls platform artifactType " +
    "architecture author container created docker_version history os rootfs os.version variant os.features created_by " +
    "comment empty_layer type diff_ids AttachStderr AttachStdin AttachStdout Cmd Healthcheck Domainname Entrypoint Env " +
    "Hostname Image Labels OnBuild OpenStdin StdinOnce Tty User Volumes WorkingDir ExposedPorts ArgsEscaped " +
    "NetworkDisabled MacAddress StopSignal Shell").split(" "),
);
const YEAR_ONE = "0001-01-01T00:00:00Z";
/** Samples whose history has fewer steps than the image has layers. */
const SHORT_HISTORY =
  /^(lone_surrogates|nulls|null_config|empty_values|big_numbers|duplicate_keys|prototype_keys|without_\w+|duplicate_layers)$/;

function runs(lines: string, ...commands: string[]): boolean {
  return commands.some((command) => lines.startsWith(`${command} `));
}

/** The entries of a layer, without the slashes at the end of directories. */
function withoutSlashes(listing: string): string {
  return listing.replaceAll(/\/","type":"directory"/g, `","type":"directory"`);
}

/** A history in a comment, without what other rows are about: the year 1, and fields that crane does not know. */
function knownSteps(comment: string): string {
  const steps = (JSON.parse(JSON.parse(comment)) ?? []) as Record<string, unknown>[];
  const isKept = ([key, value]: [string, unknown]) => KNOWN.has(key) && value !== YEAR_ONE;
  return JSON.stringify(steps.map((step) => Object.fromEntries(Object.entries(step).filter(isKept))));
}

function isOnlyOurs({ ours, theirs }: Finding): boolean {
  return ours !== undefined && theirs === undefined;
}

/** Whether it is the diff id of a layer whose content is reported too. */
function followsContent({ member, place }: Located, all: readonly Finding[]): boolean {
  const at = /^config\/rootfs\.diff_ids\[(\d+)\]$/.exec(place)?.[1];
  return at !== undefined && all.some(({ path }) => path === `${member}layers[${at}]/content`);
}

export const DIFFERENCES: readonly DifferenceKind[] = [
  {
    commands: "append, mutate, flatten, rebase, edit, index",
    crane: "drops fields of configs, manifests and descriptors that it does not know",
    ours: "they stay, behind the known ones",
    reason: "they are another program's, such as BuildKit's cache or `StopTimeout`",
    explains: (finding) => {
      if (!isOnlyOurs(finding) || finding.isKept || finding.place.endsWith("/content")) return false;
      const key = /(?:^|[./])(moby\.buildkit\.cache\.v0|[\w-]+)(?:\(order\))?$/.exec(finding.place)?.[1];
      return key !== undefined && !KNOWN.has(key) && !finding.place.startsWith("annotations");
    },
  },
  {
    commands: "append, mutate, rebase, edit fs",
    crane: "writes the time `0001-01-01T00:00:00Z` where there is none",
    ours: "no time is written",
    reason: "tools show such images as 2000 years old",
    explains: ({ place, ours, theirs }) =>
      /^config\/(history\[\d+\]\.)?created$/.test(place) && ours === undefined && theirs === `"${YEAR_ONE}"`,
  },
  {
    commands: "append, mutate `--append`",
    crane: "writes an empty step into the history",
    ours: "the step is `gcrane append`",
    reason: "`docker history` then shows where the layer is from",
    explains: ({ place, ours, theirs }) =>
      /^config\/history\[\d+\]\.created_by$/.test(place) && ours === `"gcrane append"` && theirs === undefined,
  },
  {
    commands: "flatten",
    crane: "takes the time of the call for the image's, and names itself in the history",
    ours: "the image's time stays; the step is `gcrane flatten`",
    reason: "the same image then gets the same digest on each run",
    explains: ({ lines, place, ours, theirs }) => {
      if (!runs(lines, "flatten") || theirs === undefined) return false;
      if (/^config\/(history\[0\]\.)?created$/.test(place)) return !theirs.startsWith(`"0001`);
      if (place === "config/history[0].created_by") return ours === theirs.replace('"crane', '"gcrane');
      if (place !== "config/history[0].comment") return false;
      return knownSteps(ours ?? '"[]"') === knownSteps(theirs);
    },
  },
  {
    commands: "flatten, rebase",
    crane: "makes a Docker image of an OCI one, and on `rebase` leaves Docker's layers in it",
    ours: "the media types stay",
    reason: "an image keeps its family, and registries may accept one only",
    explains: ({ lines, place }) =>
      runs(lines, "flatten", "rebase") &&
      /^(media type|mediaType|config\.mediaType|layers\[\d+\]\.mediaType)$/.test(place),
  },
  {
    commands: "flatten, edit fs, append for Windows",
    crane: "writes directories without a slash, and PAX headers with names of its own",
    ours: "the names of directories end in `/`; PAX headers are named as by bsdtar",
    reason: "some readers of tars take a name without a slash for a file's",
    explains: ({ lines, place, ours, theirs, ...finding }, all) => {
      if (followsContent({ lines, place, ours, theirs, ...finding }, all)) {
        return runs(lines, "flatten") || /windows/.test(finding.sample);
      }
      return /^layers\[\d+\]\/content$/.test(place) && ours !== undefined && theirs !== undefined &&
        withoutSlashes(ours) === withoutSlashes(theirs);
    },
  },
  {
    commands: "mutate, index filter",
    crane: "writes a config or an index anew that does not change",
    ours: "it stays, byte for byte",
    reason: "what does not change keeps its digest",
    explains: ({ lines, place, isKept }) => {
      if (!isKept) return false;
      if (runs(lines, "index filter")) return true;
      const changes =
        /-(l|-label|e|-env|u|-user|w|-workdir|-cmd|-entrypoint|-exposed-ports|-set-platform|-append) (?!'')/;
      return runs(lines, "mutate") && !changes.test(lines) &&
        (place.startsWith("config/") || !/ (-a|--annotation) /.test(lines));
    },
  },
  {
    commands: "rebase",
    crane: "drops the author, the time, Docker's fields, the annotations and what the layers have of them",
    ours: "what is not the base's stays",
    reason: "they are about the image, not about its base",
    explains: ({ lines, place, ours, theirs }) =>
      runs(lines, "rebase") && (
        (/^(config\/(author|container|docker_version|variant)|annotations\.\w+|layers\[\d+\]\.annotations)$/.test(
          place,
        ) &&
          ours !== undefined && theirs === undefined) ||
        (place === "config/created" && theirs === `"${YEAR_ONE}"`)
      ),
  },
  {
    commands: "rebase",
    crane: "drops layers that have no step in the history",
    ours: "all layers stay, with empty steps",
    reason: "the files of the image must not vanish",
    explains: ({ lines, place, sample }) =>
      runs(lines, "rebase") && SHORT_HISTORY.test(sample) &&
      /^(config\/(history\[\d+\]|rootfs\.diff_ids\[\d+\])|layers\[\d+\](\/content)?)$/.test(place),
  },
  {
    commands: "append, mutate, flatten, rebase, index",
    crane: "drops the subject",
    ours: "the subject stays",
    reason: "the image would be no referrer any longer",
    explains: (finding) => finding.place === "subject" && isOnlyOurs(finding),
  },
  {
    commands: "append without a base",
    crane: "leaves the platform empty, also with `--platform`",
    ours: "the platform is that of `--platform`, by default linux/amd64",
    reason: "container engines refuse an image without a platform",
    explains: ({ lines, place, theirs }) =>
      runs(lines, "append") && !/ (-b|--base) /.test(lines) && /^config\/(architecture|os)$/.test(place) &&
      theirs === '""',
  },
  {
    commands: "append, mutate `--append`",
    crane: "mixes the media types of Docker and OCI where a layer is zstd or for Windows",
    ours: "a new layer has the type of the image's family",
    reason: "old versions of podman and skopeo refuse a mixture",
    explains: ({ lines, place, sample }) =>
      runs(lines, "append", "mutate") && (lines.includes(".zst") || sample === "oci_windows") &&
      /^(media type|mediaType|config\.mediaType|layers\[\d+\]\.mediaType)$/.test(place),
  },
  {
    commands: "push of a tarball",
    crane: "gives each layer the media type of gzip",
    ours: "the type is that of the stored bytes",
    reason: "engines decompress by the type, and fail with zstd",
    explains: ({ lines, place, theirs }) =>
      /; push /.test(lines) && /^layers\[\d+\]\.mediaType$/.test(place) && theirs!.includes("tar.gzip"),
  },
  {
    commands: "mutate `--set-platform`",
    crane: "leaves the old `os.features`",
    ours: "they go: the platform is set as a whole",
    reason: "features of Windows on Linux match no machine",
    explains: ({ lines, place, ours }) =>
      lines.includes("--set-platform") && place === "config/os.features" && ours === undefined,
  },
  {
    commands: "all that write configs",
    crane: "merges objects that are there twice under one name",
    ours: "the last one counts",
    reason: "so do most parsers, and the registry's own page",
    explains: ({ sample, place, ours }) =>
      sample === "duplicate_keys" && place === "config/config.Cmd" && ours === undefined,
  },
  {
    commands: "edit config",
    crane: "writes the manifest with its fields sorted, and its numbers anew",
    ours: "the order is that of the other commands, and numbers stay",
    reason: "one order for all commands",
    explains: ({ lines, place, ours, theirs }) =>
      runs(lines, "edit config") && !place.startsWith("config/") &&
      (place.endsWith("(order)") || (place.startsWith("x-unknown.") && Number(ours) === Number(theirs))),
  },
  {
    commands: "edit config to another repository",
    crane: "does not copy the layers",
    ours: "the layers are copied",
    reason: "the image could not be pulled",
    explains: ({ lines, place, ours, theirs }) =>
      runs(lines, "edit config") && /^layers\[\d+\]\/content$/.test(place) && ours === "there" && theirs === undefined,
  },
  {
    commands: "append, mutate",
    crane: "does not push a layer whose tar another layer has in another compression, nor an artifact's blobs",
    ours: "all layers are pushed",
    reason: "the image could not be pulled",
    explains: ({ lines, place, ours, theirs, sample }) =>
      runs(lines, "append", "mutate") && /zstd|artifact/.test(sample) &&
      /^layers\[\d+\]\/content$/.test(place) && ours === "there" && theirs === undefined,
  },
  {
    commands: "edit fs",
    crane:
      "writes its whole command line into the history, and gives the file the mode 0555, the year 1970 and a Docker layer",
    ours: "the step is `gcrane edit fs FILE`; mode and type stay, and the time is that of the edit",
    reason: "the command line may hold secrets, and programs depend on modes",
    explains: (finding, all) =>
      runs(finding.lines, "edit fs") && (followsContent(finding, all) ||
        /^(config\/history\[\d+\]\.(created_by|author)|layers\[\d+\](\.mediaType|\/content))$/.test(finding.place)),
  },
  {
    commands: "append, mutate, flatten, rebase, edit, pull of an artifact",
    crane: "takes its config for an image's, and writes an empty one",
    ours: "the config stays, and what would change it is refused",
    reason: "an artifact has no config of an image",
    explains: ({ sample, place, ours, isKept }) =>
      sample === "artifact" &&
      (place === "exit" ? ours !== "0" : place.startsWith("config/") && (isKept || ours === undefined)),
  },
  {
    commands: "copy, mutate, append, rebase, pull with `--platform` of an index in an index",
    crane: "takes the first member, an index without a platform for linux/amd64",
    ours: "an image that names the platform comes first",
    reason: "a named platform is surer than none",
    explains: ({ sample, lines, place }) =>
      sample === "nested_index" && lines.includes("--platform linux/amd64") &&
      /^(copy|mutate|append|rebase|pull)/.test(lines) &&
      /^(exit|config\/rootfs\.diff_ids\[\d+\]|layers\[\d+\](\/content)?)$/.test(place),
  },
  {
    commands: "index append",
    crane: "lists a member again that is there already",
    ours: "it is listed once",
    reason: "a second descriptor of the same bytes has no meaning",
    explains: ({ lines, member, place, sample }, all) =>
      runs(lines, "index append") &&
      (/^manifests\[/.test(place) || member !== "" || (place === "exit" && sample === "sparse_index")) &&
      (place === "exit" || all.some(({ path, ours, theirs }) => /^manifests\[\d+\]$/.test(path) && !ours && theirs)),
  },
  {
    commands: "index append",
    crane: "leaves a member without a platform that had none in its index",
    ours: "its platform is that of its config",
    reason: "clients choose by platform",
    explains: ({ lines, place, theirs }) =>
      runs(lines, "index append") && /^manifests\[\d+\]\.platform$/.test(place) && theirs === undefined,
  },
  {
    commands: "index filter",
    crane: "writes an index without members where nothing is left, as with any two platforms",
    ours: "several platforms keep the images for each; where nothing is left, that is an error",
    reason: "an index without members has no use",
    explains: ({ lines, place, ours, theirs }) =>
      runs(lines, "index filter") &&
      (place === "exit" ? ours !== "0" && theirs === "0" : place === "manifests" && theirs === "null"),
  },
  {
    commands: "flatten `--platform`",
    crane: "ignores the flag, and flattens the index",
    ours: "flattens the image for the platform",
    reason: "`--platform` means the same with each command",
    explains: ({ lines, place }) =>
      runs(lines, "flatten") && lines.includes("--platform") &&
      /^(exit|config|layers|manifests|annotations|media type|mediaType)$/.test(place),
  },
  {
    commands: "pull `--format=oci` of an index without members",
    crane: "forgets its blob",
    ours: "the layout is whole",
    reason: "the layout could not be pushed",
    explains: ({ sample, lines, place, ours }) =>
      sample === "empty_index" && runs(lines, "pull") && place === "exit" && ours === "0",
  },
  {
    commands: "rebase `--original`",
    crane: "demands the argument besides",
    ours: "the flag is enough",
    reason: "the flag is documented as the older form of the argument",
    explains: ({ lines, place, ours }) => lines.startsWith("rebase --original") && place === "exit" && ours === "0",
  },
];

/** Writes the document. */
export function differencesDocument(): string {
  const rows = DIFFERENCES.map(({ commands, crane, ours, reason }) => [commands, crane, ours, reason]);
  return table([["Commands", "crane", "gcrane", "Reason"], ...rows]);
}

function table(rows: readonly string[][]): string {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(" | ")} |`;
  const [head, ...body] = rows;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body.map(line)].join("\n");
}
