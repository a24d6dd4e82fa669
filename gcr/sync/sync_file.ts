import type { CopyRoot } from "../copy_route.ts";
import type { SyncSchedule } from "./schedule.ts";
import type { SyncChoice } from "./tag_choice.ts";

/** A sync file of regsync or of skopeo: what is copied to where, and how the registries are reached. */
export interface SyncFile {
  /** The entries in the order of the file. */
  readonly entries: readonly SyncEntry[];
  /** The registries with settings of their own. */
  readonly registries: readonly SyncRegistry[];
  /** Whether credentials come from the file alone. */
  readonly ownCredentials: boolean;
  /** The number of images that are copied at the same time; `undefined` if the file has none. */
  readonly parallel?: number;
  /** The most requests per second; `undefined` if the file has none. */
  readonly rate?: number;
  /** The name of the program in `User-Agent`; `undefined` if the file has none. */
  readonly userAgent?: string;
}

/** An image to copy by name. */
export interface SyncImage {
  /** The tag or the digest at the source. */
  readonly from: string;
  /** The tag at the target; missing for a digest without one. */
  readonly to?: string;
}

/** A filter of referrers: all its conditions must hold. */
export interface SyncReferrerFilter {
  /** The type of the artifact. */
  readonly artifactType?: string;
  /** Annotations with their values; an empty one stands for any value. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An entry of a sync file, with the defaults of the file. */
export interface SyncEntry {
  /** Its place in the file, for example `sync[0]`. */
  readonly path: string;
  /** The repository, or the registry, to copy from. */
  readonly source: CopyRoot;
  /** The repository, or the registry, to copy to. */
  readonly target: CopyRoot;
  /** The images to copy from the source repository; missing for all those that the choices include. */
  readonly images?: readonly SyncImage[];
  /** The choices of tags, one of which must include a tag; empty for all. */
  readonly tags: readonly SyncChoice[];
  /** The choice of the repositories of a source registry. */
  readonly repositories: SyncChoice;
  /** The platforms of the images to copy from an index; empty for all. */
  readonly platforms: readonly string[];
  /** The media types of manifests to copy; missing for all. */
  readonly mediaTypes?: readonly string[];
  /** Whether referrers are copied that the registry lists. */
  readonly referrers: boolean;
  /** The referrers to copy: one filter must match; empty for all. */
  readonly referrerFilters: readonly SyncReferrerFilter[];
  /** Whether tags are copied that contain the digest of an image. */
  readonly digestTags: boolean;
  /** Whether an image that the target has is complete with its referrers. */
  readonly fastCheck: boolean;
  /** Whether the content of an image that the target has is looked for too. */
  readonly forceRecursive: boolean;
  /** Whether layers are copied that are marked as nondistributable. */
  readonly includeExternal: boolean;
  /** The template of a tag, or of a reference, for what a tag pointed at before; missing for no backup. */
  readonly backup?: string;
  /** The source and the target as they are in the file, for the template of a backup. */
  readonly texts: { readonly source: string; readonly target: string; readonly type: string };
  /** The number of requests that the source must have left, and the time between two looks at it. */
  readonly rateFloor?: { readonly min: number; readonly retryMs: number };
  /** When to copy again; missing for an entry without a schedule. */
  readonly schedule?: SyncSchedule;
}

/** The settings for one registry. */
export interface SyncRegistry {
  /** Its host, with the port if it has one. */
  readonly name: string;
  /** A user, with the password. */
  readonly user?: string;
  /** The password. */
  readonly password?: string;
  /** An identity token in place of both. */
  readonly token?: string;
  /** The name of a credential helper in place of all of them. */
  readonly credentialHelper?: string;
  /** Whether plain http and any certificate are accepted. */
  readonly insecure: boolean;
  /** Authorities to trust, in PEM. */
  readonly ca?: string;
  /** The certificate of the client, in PEM. */
  readonly cert?: string;
  /** Its private key, in PEM. */
  readonly key?: string;
  /** A folder with certificates: `*.crt`, `*.cert` and `*.key`. */
  readonly certificates?: string;
}
