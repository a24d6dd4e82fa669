// The SBOM of a release: an SPDX 2.3 document of the executables, of what they contain, with versions, licences and digests.

import { encodeHex } from "@std/encoding/hex";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { BUN_VERSION } from "./bun.ts";

/** The packages that the sources import, with their licences as SPDX names them. docs/dependencies.md has the same. */
export const LICENCES: Readonly<Record<string, string>> = {
  "@noble/hashes": "MIT",
  "aws4fetch": "MIT",
  "bcryptjs": "BSD-3-Clause",
  "croner": "MIT",
  "deno-std": "MIT",
  "fflate": "MIT",
  "hono": "MIT",
  "jose": "MIT",
};

/** What an SBOM describes. */
export interface SbomOptions {
  readonly version: string;
  /** The time of the sources. */
  readonly created: Date;
  /** The executables. */
  readonly files: readonly string[];
}

/** Returns the SBOM of a release made from a checkout. The same release gives the same document. */
export function sbom(top: string, { version, created, files }: SbomOptions): object {
  const { name, license } = JSON.parse(readFileSync(join(top, "deno.json"), "utf8"));
  const project = packageOf({ name, version, license });
  const inside = [
    ...dependencies(top).map(packageOf),
    packageOf({ name: "bun", version: BUN_VERSION, license: "MIT" }),
  ];
  const described = files.map(fileOf);
  const all = createHash("sha256").update(JSON.stringify(described)).digest("hex");
  const relation = (from: string, relationshipType: string, to: string) => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  });
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `gcrane-${version}`,
    documentNamespace: `urn:sha256:${all}`,
    creationInfo: { created: created.toISOString().replace(/\.\d+Z$/, "Z"), creators: ["Tool: gcrane tools/sbom.ts"] },
    packages: [project, ...inside],
    files: described,
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", project.SPDXID),
      ...inside.map(({ SPDXID }) => relation(project.SPDXID, "DEPENDS_ON", SPDXID)),
      ...described.map(({ SPDXID }) => relation(SPDXID, "GENERATED_FROM", project.SPDXID)),
    ],
  };
}

/** A package, as far as it is known. */
interface KnownPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The digest of its tarball, `sha512-` and base64. */
  readonly integrity?: string;
}

/** Returns the packages in the lock of Bun, of which executables are made. */
function dependencies(top: string): KnownPackage[] {
  const lock = readFileSync(join(top, "bun.lock"), "utf8");
  return [...lock.matchAll(/^ {4}"[^"]+": \["(.+)@([^@"]+)", .*"(sha512-[^"]+)"\],$/gm)].map(
    ([, name, version, integrity]) => {
      const license = LICENCES[name];
      if (license === undefined) throw new Error(`tools/sbom.ts has no licence of ${name}`);
      return { name, version, license, integrity };
    },
  );
}

function packageOf({ name, version, license, integrity }: KnownPackage) {
  const digest = integrity && Uint8Array.from(atob(integrity.slice("sha512-".length)), (char) => char.charCodeAt(0));
  return {
    name,
    SPDXID: `SPDXRef-Package-${name.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^-/, "")}`,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: license,
    licenseDeclared: license,
    copyrightText: "NOASSERTION",
    ...digest && { checksums: [{ algorithm: "SHA512", checksumValue: encodeHex(digest) }] },
    externalRefs: [{
      referenceCategory: "PACKAGE-MANAGER",
      referenceType: "purl",
      referenceLocator: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    }],
  };
}

function fileOf(path: string) {
  const bytes = readFileSync(path);
  const checksum = (algorithm: string) => ({
    algorithm: algorithm.toUpperCase(),
    checksumValue: createHash(algorithm).update(bytes).digest("hex"),
  });
  return {
    fileName: `./${basename(path)}`,
    SPDXID: `SPDXRef-File-${basename(path)}`,
    checksums: [checksum("sha1"), checksum("sha256")],
    licenseConcluded: "NOASSERTION",
    copyrightText: "NOASSERTION",
  };
}
