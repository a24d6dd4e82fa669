import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { LockedPackage } from "../../../src/build/locked_package.ts";
import { type BillOfMaterials, cycloneDxDocument, spdxDocument } from "../../../src/build/sbom/mod.ts";
import type { Json } from "../../make/memory_source.ts";

const sha512 = `sha512-${"A".repeat(86)}==`;

function locked(name: string, more: Partial<LockedPackage> = {}): LockedPackage {
  const paths = [`node_modules/${name}`];
  return { name, version: "1.0.0", from: "npm", paths, optional: false, dependencies: [], ...more };
}

const hono = locked("hono", {
  version: "4.0.0+build",
  license: "MIT",
  integrity: sha512,
  resolved: "http://localhost/hono/-/hono-4.0.0.tgz",
});
const server = locked("@hono/server", {
  dependencies: ["absent@1.0.0", "hono@4.0.0+build", "std@1.0.0"],
  license: "MIT OR Apache-2.0",
});
const std = locked("std", {
  optional: true,
  integrity: "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  license: "SEE LICENSE IN x",
});
const path = locked("@std/path", { from: "jsr", license: "UNLICENSED" });
const workspace = locked("@shop/a", { from: "workspace", paths: ["packages/a"], dependencies: ["hono@4.0.0+build"] });
const signed = locked("signed", { resolved: "http://user:secret@localhost/signed.tgz?token=secret" });

const bill: BillOfMaterials = {
  name: "@shop/app",
  version: "2.0.0",
  license: "(MIT AND GPL-2.0+ WITH Classpath-exception-2.0)",
  packages: [hono, server, std, path, workspace, signed],
  direct: [server, path],
  created: 1_700_000_000,
};

const parse = (bytes: Uint8Array): Json => JSON.parse(new TextDecoder().decode(bytes));
const spdx = async (of: Partial<BillOfMaterials> = {}) => parse(await spdxDocument({ ...bill, ...of }));
const cycloneDx = async (of: Partial<BillOfMaterials> = {}) => parse(await cycloneDxDocument({ ...bill, ...of }));

describe("a document of SPDX", () => {
  it("has the required fields of 2.3, and the time of the bill", async () => {
    const document = await spdx();
    assertEquals(document.spdxVersion, "SPDX-2.3");
    assertEquals(document.dataLicense, "CC0-1.0");
    assertEquals(document.SPDXID, "SPDXRef-DOCUMENT");
    assertEquals(document.name, "@shop/app@2.0.0");
    assertMatch(
      document.documentNamespace,
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assertEquals(document.creationInfo.created, "2023-11-14T22:13:20Z");
    assertMatch(document.creationInfo.creators[0], /^Tool: gcrane-\d/);
    const ids = document.packages.map(({ SPDXID }: Json) => SPDXID);
    assertEquals(new Set(ids).size, ids.length);
    for (const each of document.packages) {
      assertMatch(each.SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/);
      assert(each.name && each.versionInfo && each.downloadLocation);
      assertEquals([each.filesAnalyzed, each.licenseConcluded], [false, "NOASSERTION"]);
      assert(["APPLICATION", "LIBRARY"].includes(each.primaryPackagePurpose));
    }
  });

  it("has package URLs, hashes in hexadecimal, addresses without secrets, and licences that are valid", async () => {
    const { packages } = await spdx();
    const of = (name: string) => packages.find((each: Json) => each.name === name);
    assertEquals(packages.map((each: Json) => each.externalRefs[0].referenceLocator), [
      "pkg:generic/%40shop/app@2.0.0",
      "pkg:generic/%40shop/a@1.0.0#packages/a",
      "pkg:generic/jsr/%40std/path@1.0.0",
      "pkg:npm/%40hono/server@1.0.0",
      "pkg:npm/hono@4.0.0%2Bbuild",
      "pkg:npm/signed@1.0.0",
      "pkg:npm/std@1.0.0",
    ]);
    assertEquals(of("hono").checksums, [{ algorithm: "SHA512", checksumValue: "0".repeat(128) }]);
    assertEquals(of("std").checksums, [{ algorithm: "SHA1", checksumValue: "0".repeat(40) }]);
    assertEquals(of("hono").downloadLocation, "http://localhost/hono/-/hono-4.0.0.tgz");
    assertEquals([of("signed").downloadLocation, of("signed").checksums], ["NOASSERTION", undefined]);
    assertEquals(
      ["@shop/app", "hono", "@hono/server", "std", "@std/path"].map((name) => of(name).licenseDeclared),
      ["(MIT AND GPL-2.0+ WITH Classpath-exception-2.0)", "MIT", "MIT OR Apache-2.0", "NOASSERTION", "NOASSERTION"],
    );
  });

  it("has the relationships, each end of which is there", async () => {
    const { packages, relationships } = await spdx();
    const ids = new Set(["SPDXRef-DOCUMENT", ...packages.map(({ SPDXID }: Json) => SPDXID)]);
    const short = (id: string) => id.replace("SPDXRef-", "");
    assertEquals(
      relationships.map((each: Json) => {
        assert(ids.has(each.spdxElementId) && ids.has(each.relatedSpdxElement));
        return [short(each.spdxElementId), each.relationshipType, short(each.relatedSpdxElement)].join(" ");
      }),
      [
        "DOCUMENT DESCRIBES Application",
        "Application DEPENDS_ON jsr--std-path-1.0.0",
        "Application DEPENDS_ON npm--hono-server-1.0.0",
        "Application CONTAINS workspace--shop-a-1.0.0",
        "workspace--shop-a-1.0.0 DEPENDS_ON npm-hono-4.0.0-build",
        "npm--hono-server-1.0.0 DEPENDS_ON npm-hono-4.0.0-build",
        "npm--hono-server-1.0.0 DEPENDS_ON npm-std-1.0.0",
      ],
    );
  });

  it("gives packages whose names differ in other characters identifiers of their own", async () => {
    const { packages } = await spdx({ packages: [locked("a_b"), locked("a-b"), locked("a.b")], direct: [] });
    assertEquals(packages.slice(1).map(({ SPDXID }: Json) => SPDXID), [
      "SPDXRef-npm-a-b-1.0.0",
      "SPDXRef-npm-a.b-1.0.0",
      "SPDXRef-npm-a-b-1.0.0-2",
    ]);
  });
});

describe("a document of CycloneDX", () => {
  it("has the required fields of 1.6, and the time of the bill", async () => {
    const document = await cycloneDx();
    assertEquals([document.bomFormat, document.specVersion, document.version], ["CycloneDX", "1.6", 1]);
    assertMatch(document.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    assertEquals(document.metadata.timestamp, "2023-11-14T22:13:20Z");
    assertEquals(document.metadata.tools.components[0].name, "gcrane");
    const { type, group, name, version, licenses } = document.metadata.component;
    assertEquals([type, group, name, version], ["application", "@shop", "app", "2.0.0"]);
    assertEquals(licenses, [{ expression: bill.license }]);
    const refs = [document.metadata.component, ...document.components].map((each: Json) => each["bom-ref"]);
    assertEquals(new Set(refs).size, refs.length);
  });

  it("has components with scope, hash, licence and address", async () => {
    const { components } = await cycloneDx();
    const of = (name: string) => components.find((each: Json) => each.name === name);
    assertEquals(of("hono"), {
      type: "library",
      "bom-ref": "pkg:npm/hono@4.0.0%2Bbuild",
      name: "hono",
      version: "4.0.0+build",
      scope: "required",
      hashes: [{ alg: "SHA-512", content: "0".repeat(128) }],
      licenses: [{ license: { id: "MIT" } }],
      purl: "pkg:npm/hono@4.0.0%2Bbuild",
      externalReferences: [{ type: "distribution", url: "http://localhost/hono/-/hono-4.0.0.tgz" }],
    });
    assertEquals([of("std").scope, of("std").hashes[0].alg], ["optional", "SHA-1"]);
    assertEquals(of("std").licenses, [{ license: { name: "SEE LICENSE IN x" } }]);
    assertEquals([of("path").licenses, of("signed").externalReferences], [undefined, undefined]);
  });

  it("has what each depends on, among the components that are there", async () => {
    const { dependencies } = await cycloneDx();
    assertEquals(Object.fromEntries(dependencies.map((each: Json) => [each.ref, each.dependsOn])), {
      "pkg:generic/%40shop/app@2.0.0": [
        "pkg:generic/%40shop/a@1.0.0#packages/a",
        "pkg:generic/jsr/%40std/path@1.0.0",
        "pkg:npm/%40hono/server@1.0.0",
      ],
      "pkg:generic/%40shop/a@1.0.0#packages/a": ["pkg:npm/hono@4.0.0%2Bbuild"],
      "pkg:generic/jsr/%40std/path@1.0.0": [],
      "pkg:npm/%40hono/server@1.0.0": ["pkg:npm/hono@4.0.0%2Bbuild", "pkg:npm/std@1.0.0"],
      "pkg:npm/hono@4.0.0%2Bbuild": [],
      "pkg:npm/signed@1.0.0": [],
      "pkg:npm/std@1.0.0": [],
    });
  });
});

describe("both documents", () => {
  for (const [name, make] of [["SPDX", spdxDocument], ["CycloneDX", cycloneDxDocument]] as const) {
    it(`of ${name} are the same bytes for the same bill in any order, and have another id for another`, async () => {
      const bytes = await make(bill);
      const shuffled = { ...bill, packages: bill.packages.toReversed(), direct: bill.direct.toReversed() };
      assertEquals(await make(shuffled), bytes);
      const id = (of: Uint8Array) => parse(of).documentNamespace ?? parse(of).serialNumber;
      assertNotEquals(id(await make({ ...bill, version: "2.0.1" })), id(bytes));
    });

    it(`of ${name} have no secret of an address`, async () => {
      assertEquals(new TextDecoder().decode(await make(bill)).includes("secret"), false);
    });
  }
});
