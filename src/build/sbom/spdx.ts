import { jsonBytes } from "../../spec/internal.ts";
import { VERSION } from "../../version.ts";
import { type BillOfMaterials, type Component, componentsOf, documentUuid, timestamp } from "./bill.ts";
import { parseLicense } from "./license.ts";
import { applicationUrl } from "./package_url.ts";

/** The media type of a document of SPDX in JSON. */
export const SPDX_MEDIA_TYPE = "application/spdx+json";

const DOCUMENT = "SPDXRef-DOCUMENT";
const APPLICATION = "SPDXRef-Application";

/** Makes a document of SPDX 2.3 in JSON. The same bill gives the same bytes. */
export async function spdxDocument(bill: BillOfMaterials): Promise<Uint8Array<ArrayBuffer>> {
  const { all, direct } = componentsOf(bill);
  const ids = identifiers(all);
  const workspaces = all.filter(({ locked }) =>
    locked.from === "workspace" && !direct.some((each) => each.locked === locked)
  );
  const relation = (from: string, type: string, to: string) => ({
    spdxElementId: from,
    relationshipType: type,
    relatedSpdxElement: to,
  });
  const content = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: DOCUMENT,
    name: `${bill.name}@${bill.version}`,
    creationInfo: { created: timestamp(bill.created), creators: [`Tool: gcrane-${VERSION}`] },
    packages: [applicationOf(bill), ...all.map((component) => packageOf(component, ids.get(component)!))],
    relationships: [
      relation(DOCUMENT, "DESCRIBES", APPLICATION),
      ...direct.map((component) => relation(APPLICATION, "DEPENDS_ON", ids.get(component)!)),
      ...workspaces.map((component) => relation(APPLICATION, "CONTAINS", ids.get(component)!)),
      ...all.flatMap((component) =>
        component.dependencies.map((other) => relation(ids.get(component)!, "DEPENDS_ON", ids.get(other)!))
      ),
    ],
  };
  const documentNamespace = `urn:uuid:${await documentUuid(content)}`;
  return jsonBytes({ ...content, documentNamespace });
}

/** Returns the identifiers, which have letters, digits, dots and hyphens alone. */
function identifiers(components: readonly Component[]): ReadonlyMap<Component, string> {
  const used = new Set<string>();
  return new Map(components.map((component) => {
    const { from, name, version } = component.locked;
    const id = `SPDXRef-${from}-${name}-${version}`.replace(/[^A-Za-z0-9.-]+/g, "-");
    let unique = id;
    for (let count = 2; used.has(unique); count++) unique = `${id}-${count}`;
    used.add(unique);
    return [component, unique];
  }));
}

function applicationOf({ name, version, license }: BillOfMaterials): object {
  return {
    SPDXID: APPLICATION,
    name,
    versionInfo: version,
    primaryPackagePurpose: "APPLICATION",
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    ...licenses(license),
    externalRefs: [reference(applicationUrl(name, version))],
  };
}

function packageOf({ locked, integrity, address, purl }: Component, id: string): object {
  const { name, version, license } = locked;
  return {
    SPDXID: id,
    name,
    versionInfo: version,
    primaryPackagePurpose: "LIBRARY",
    downloadLocation: address ?? "NOASSERTION",
    filesAnalyzed: false,
    ...licenses(license),
    ...(integrity && {
      checksums: integrity.digests.slice(0, 1).map((checksumValue) => ({
        algorithm: integrity.algorithm.toUpperCase(),
        checksumValue,
      })),
    }),
    externalRefs: [reference(purl)],
  };
}

function licenses(text: string | undefined): object {
  const license = parseLicense(text) ?? {};
  const declared = "id" in license ? license.id : "expression" in license ? license.expression : "NOASSERTION";
  return { licenseConcluded: "NOASSERTION", licenseDeclared: declared, copyrightText: "NOASSERTION" };
}

function reference(purl: string): object {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl };
}
