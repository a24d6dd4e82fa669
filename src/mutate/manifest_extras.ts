import type { Descriptor, IndexManifest, Manifest } from "../spec/mod.ts";
import { changedEntries, type FieldChanges, withFields } from "./fields.ts";

/**
 * What a manifest says beside its version and type, its config and layers or its members: annotations, subject, artifact
 * type. Fields that are not named here are there too, and stay when they are passed on.
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

/** The extras with changes. */
export function changedExtras(extras: ManifestExtras, changes: ManifestChanges): ManifestExtras {
  const { annotations, subject, artifactType } = changes;
  return withFields(extras, {
    annotations: changedEntries(extras.annotations, annotations),
    subject,
    artifactType,
  });
}

/** A manifest with new parts in the places of the old ones, and its other fields edited. */
export async function rewriteManifest<M extends Manifest | IndexManifest>(
  before: M,
  parts: Partial<M>,
  edit: EditExtras = (extras) => extras,
): Promise<M> {
  const others = Object.entries(before).filter(([name]) => !(name in parts));
  // A copy, so that an edit in place is neither lost nor seen by others.
  const extras = await edit(structuredClone(Object.fromEntries(others)));
  const removed = others.filter(([name]) => !(name in extras)).map(([name]) => [name, null] as const);
  return withFields<M>({ ...before, ...extras, ...parts }, Object.fromEntries(removed) as FieldChanges<M>);
}
