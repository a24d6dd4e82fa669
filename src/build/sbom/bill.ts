import { encodeHex } from "@std/encoding/hex";
import { redactUrl } from "../../http/mod.ts";
import { digestBytes } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import type { LockedPackage } from "../locked_package.ts";
import { type Integrity, parseIntegrity } from "../packages/mod.ts";
import { packageUrl } from "./package_url.ts";

/** What a document lists, in whichever format. */
export interface BillOfMaterials {
  /** The name of the application. */
  name: string;
  version: string;
  /** The licence of the application, as in its package.json. */
  license?: string | undefined;
  /** The packages in the image, workspaces included. */
  packages: readonly LockedPackage[];
  /** What the application itself depends on. */
  direct: readonly LockedPackage[];
  /** The time of the document, in seconds since 1970: that of SOURCE_DATE_EPOCH, so that it is the same again. */
  created: number;
}

/** A package with the names that documents have for it. */
export interface Component {
  locked: LockedPackage;
  /** Unique in the document. */
  purl: string;
  integrity: Integrity | undefined;
  /** The address of its tarball; `undefined` if there is none, or if it has a secret. */
  address: string | undefined;
  /** The components that it depends on. */
  dependencies: readonly Component[];
}

/** Returns the components in the order of their URLs, and those that the application itself depends on. */
export function componentsOf(bill: BillOfMaterials): { all: readonly Component[]; direct: readonly Component[] } {
  const byId = new Map<string, Component[]>();
  const byPackage = new Map<LockedPackage, Component & { dependencies: Component[] }>();
  const byUrl = new Map<string, Component>();
  for (const locked of bill.packages) {
    const component = {
      locked,
      purl: packageUrl(locked),
      integrity: locked.integrity === undefined ? undefined : parseIntegrity(locked.integrity),
      address: publicAddress(locked.resolved),
      dependencies: [],
    };
    if (byUrl.has(component.purl)) continue;
    byUrl.set(component.purl, component);
    byPackage.set(locked, component);
    byId.set(idOf(locked), [...byId.get(idOf(locked)) ?? [], component]);
  }
  for (const [{ dependencies }, component] of byPackage) {
    component.dependencies.push(...sorted(dependencies.flatMap((id) => byId.get(id) ?? [])));
  }
  return {
    all: sorted([...byUrl.values()]),
    direct: sorted(bill.direct.flatMap((locked) => byUrl.get(packageUrl(locked)) ?? [])),
  };
}

/**
 * Returns an identifier of a document, a UUID made of a digest over what is in it: the same content has the same, and
 * other content another.
 */
export async function documentUuid(content: unknown): Promise<string> {
  const hex = (await digestBytes(jsonBytes(content))).slice("sha256:".length);
  // Version 8 of RFC 9562 is for such identifiers, and the digit of the variant is one of 8 to b.
  const variant = encodeHex(new Uint8Array([0x80 | (parseInt(hex.slice(16, 18), 16) & 0x3f)]));
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(18, 20), hex.slice(20, 32)]
    .join("-");
}

/** Returns a time as both formats write it. */
export function timestamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

function idOf({ name, version }: LockedPackage): string {
  return `${name}@${version}`;
}

function sorted(components: readonly Component[]): Component[] {
  return [...new Set(components)].sort((a, b) => a.purl < b.purl ? -1 : 1);
}

function publicAddress(resolved: string | undefined): string | undefined {
  if (resolved === undefined || !/^https?:/.test(resolved) || !URL.canParse(resolved)) return undefined;
  return redactUrl(resolved) === new URL(resolved).href ? new URL(resolved).href : undefined;
}
