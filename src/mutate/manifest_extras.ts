import type { Descriptor, IndexManifest, Manifest } from "../spec/mod.ts";
import { changedEntries, type FieldChanges, withFields } from "./fields.ts";

/**
 * The fields of a manifest besides its version and type, its config and layers or its members: annotations, subject,
 * artifact type, and fields that are not declared here, which stay when they are passed on.
 */
export type ManifestExtras = Pick<Manifest, "annotations" | "subject" | "artifactType">;

/** An edit of {@linkcode ManifestExtras}. */
export type EditExtras = (extras: ManifestExtras) => ManifestExtras | Promise<ManifestExtras>;

/** Changes of what the manifests of images and of indexes have in common; `null` takes something away. */
export interface ManifestChanges {
  /**
   * Annotations by their names, those to take away with `null`; `null` for all.
   * @default they stay
   */
  readonly annotations?: Readonly<Record<string, string | null>> | null;
  /**
   * The manifest that this one refers to (image-spec, `subject`).
   * @default it stays
   */
  readonly subject?: Descriptor | null;
  /**
   * The type of the artifact, if it is no image to run.
   * @default it stays
   */
  readonly artifactType?: string | null;
}

/** Applies changes to extras. */
export function changedExtras(extras: ManifestExtras, changes: ManifestChanges): ManifestExtras {
  const { annotations, subject, artifactType } = changes;
  return withFields(extras, {
    annotations: changedEntries(extras.annotations, annotations),
    subject,
    artifactType,
  });
}

/** Replaces parts of a manifest and edits its other fields. */
export async function rewriteManifest<M extends Manifest | IndexManifest>(
  before: M,
  parts: Partial<M>,
  edit: EditExtras = (extras) => extras,
): Promise<M> {
  const others = Object.entries(before).filter(([name]) => !(name in parts));
  // A copy, so that an edit in place does not change the base.
  const extras = await edit(structuredClone(Object.fromEntries(others)));
  const removed = others.filter(([name]) => !(name in extras)).map(([name]) => [name, null] as const);
  return withFields<M>({ ...before, ...extras, ...parts }, Object.fromEntries(removed) as FieldChanges<M>);
}
