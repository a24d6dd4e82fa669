/** The forms of the documents that are made here, with the names in the order of go-containerregistry's structs. */

import { goJsonBytes, goJsonLines, goList, goMap, goStruct, goTime } from "./go_json.ts";
import { parseNumberTexts, withNumberTexts } from "./number_texts.ts";
import { type IndexManifest, type Manifest, properManifest } from "./manifest.ts";

const PLATFORM = goStruct("architecture os os.version? os.features? variant? features?");
const DESCRIPTOR = goStruct("mediaType size digest data? urls? annotations? platform? artifactType?", {
  annotations: goMap,
  platform: PLATFORM,
});
const LINKS = { annotations: goMap, subject: DESCRIPTOR };
const MANIFEST = goStruct("schemaVersion mediaType? config layers annotations? subject?", {
  ...LINKS,
  config: DESCRIPTOR,
  layers: goList(DESCRIPTOR),
});
const INDEX = goStruct("schemaVersion mediaType? manifests annotations? subject?", {
  ...LINKS,
  manifests: goList(DESCRIPTOR),
});
const RUN = goStruct(
  "AttachStderr? AttachStdin? AttachStdout? Cmd? Healthcheck? Domainname? Entrypoint? Env? Hostname? Image? Labels? " +
    "OnBuild? OpenStdin? StdinOnce? Tty? User? Volumes? WorkingDir? ExposedPorts? ArgsEscaped? NetworkDisabled? " +
    "MacAddress? StopSignal? Shell?",
  {
    Healthcheck: goStruct("Test? Interval? Timeout? StartPeriod? Retries?"),
    Labels: goMap,
    Volumes: goMap,
    ExposedPorts: goMap,
  },
);

/** The form of a config's history. */
export const HISTORY = goList(goStruct("author? created? created_by? comment? empty_layer?", { created: goTime }));

/** The form of a config file. */
export const CONFIG = goStruct(
  "architecture author? container? created? docker_version? history? os rootfs config os.version? variant? os.features?",
  {
    created: goTime,
    history: HISTORY,
    rootfs: goStruct("type diff_ids"),
    config: RUN,
  },
);

/** Writes the manifest of an image; numbers that have not changed since `before` keep their text. */
export function imageManifestBytes(manifest: Manifest, before?: Uint8Array): Uint8Array<ArrayBuffer> {
  return goJsonBytes(before ? withNumberTexts(manifest, properManifest(parseNumberTexts(before))) : manifest, MANIFEST);
}

/** Writes the manifest of an index; numbers that have not changed since `before` keep their text. */
export function indexManifestBytes(index: IndexManifest, before?: Uint8Array): Uint8Array<ArrayBuffer> {
  return goJsonBytes(before ? withNumberTexts(index, properManifest(parseNumberTexts(before))) : index, INDEX);
}

/** Writes the `index.json` of a layout. */
export function layoutIndexBytes(index: IndexManifest): Uint8Array<ArrayBuffer> {
  return goJsonLines(index, INDEX);
}
