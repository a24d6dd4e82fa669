import type { NameOptions } from "../../src/name/mod.ts";
import type { TemplateWorld } from "./template.ts";

/** What a sync file is read with. */
export interface SyncWorld extends TemplateWorld, NameOptions {
  /** The root of the copies, for a file of skopeo. */
  readonly destination?: string;
  /** Whether the copies of a file of skopeo keep the names of registry and repository. */
  readonly scoped?: boolean;
}
