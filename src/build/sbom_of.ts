import type { Attachment } from "./attach.ts";
import type { Configuration } from "./configuration.ts";
import type { Lock } from "./locked_package.ts";
import { directDependencies } from "./locks/mod.ts";
import { CYCLONEDX_MEDIA_TYPE, cycloneDxDocument, SPDX_MEDIA_TYPE, spdxDocument } from "./sbom/mod.ts";

/** A format of lists of packages. */
export type SbomFormat = "spdx" | "cyclonedx";

/** What a list of packages is about, besides them. */
interface SbomSubject {
  readonly configuration: Configuration;
  /** The folder of the app in the project. */
  readonly project: string;
  readonly mtime: number;
  readonly format: SbomFormat;
}

/** Makes the list of the packages in an image. */
export async function sbomOf(
  lock: Lock,
  { configuration: { packageJson, denoJson }, project, mtime, format }: SbomSubject,
): Promise<Attachment> {
  const own = packageJson ?? denoJson?.value ?? {};
  const text = (value: unknown, otherwise: string) => typeof value === "string" && value !== "" ? value : otherwise;
  const bill = {
    name: text(own.name, "app"),
    version: text(own.version, "0.0.0"),
    license: typeof own.license === "string" ? own.license : undefined,
    packages: lock.packages.filter(({ from, paths }) => from !== "workspace" || !paths.includes(project)),
    direct: directDependencies(lock, project),
    created: mtime,
  };
  return format === "spdx"
    ? { mediaType: SPDX_MEDIA_TYPE, bytes: await spdxDocument(bill) }
    : { mediaType: CYCLONEDX_MEDIA_TYPE, bytes: await cycloneDxDocument(bill) };
}
