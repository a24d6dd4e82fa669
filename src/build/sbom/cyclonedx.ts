import { jsonBytes } from "../../spec/internal.ts";
import { VERSION } from "../../version.ts";
import { type BillOfMaterials, type Component, componentsOf, documentUuid, timestamp } from "./bill.ts";
import { parseLicense } from "./license.ts";
import { applicationUrl } from "./package_url.ts";

/** The media type of a document of CycloneDX in JSON. */
export const CYCLONEDX_MEDIA_TYPE = "application/vnd.cyclonedx+json";

/** CycloneDX's names of hashes. */
const HASHES = { sha512: "SHA-512", sha384: "SHA-384", sha256: "SHA-256", sha1: "SHA-1" } as const;

/** Makes a document of CycloneDX 1.6 in JSON. The same bill gives the same bytes. */
export async function cycloneDxDocument(bill: BillOfMaterials): Promise<Uint8Array<ArrayBuffer>> {
  const { all, direct } = componentsOf(bill);
  const { name, version, license, created } = bill;
  const application = applicationUrl(name, version);
  const workspaces = all.filter(({ locked }) => locked.from === "workspace");
  const refs = (components: Iterable<Component>) => [...components].map(({ purl }) => purl);
  const content = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: timestamp(created),
      tools: { components: [{ type: "application", name: "gcrane", version: VERSION }] },
      component: {
        type: "application",
        "bom-ref": application,
        ...names(name),
        version,
        ...licenses(license),
        purl: application,
      },
    },
    components: all.map(componentOf),
    dependencies: [
      { ref: application, dependsOn: refs(new Set([...direct, ...workspaces])).sort() },
      ...all.map(({ purl, dependencies }) => ({ ref: purl, dependsOn: refs(dependencies) })),
    ],
  };
  return jsonBytes({ ...content, serialNumber: `urn:uuid:${await documentUuid(content)}` });
}

function componentOf({ locked, integrity, address, purl }: Component): object {
  const { name, version, optional, license } = locked;
  return {
    type: "library",
    "bom-ref": purl,
    ...names(name),
    version,
    scope: optional ? "optional" : "required",
    ...(integrity && {
      hashes: integrity.digests.slice(0, 1).map((content) => ({ alg: HASHES[integrity.algorithm], content })),
    }),
    ...licenses(license),
    purl,
    ...(address && { externalReferences: [{ type: "distribution", url: address }] }),
  };
}

/** Returns a name, with its scope as the group. */
function names(name: string): object {
  const at = name.indexOf("/");
  return at < 0 ? { name } : { group: name.slice(0, at), name: name.slice(at + 1) };
}

function licenses(text: string | undefined): object {
  const license = parseLicense(text);
  if (license === undefined) return {};
  return { licenses: ["expression" in license ? { expression: license.expression } : { license }] };
}
