import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LICENCES, sbom } from "../../tools/sbom.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { read, readJson, top } from "../project/tree.ts";

interface Document {
  packages: {
    name: string;
    SPDXID: string;
    versionInfo: string;
    licenseDeclared: string;
    checksums?: { checksumValue: string }[];
  }[];
  files: { fileName: string; SPDXID: string; checksums: { algorithm: string; checksumValue: string }[] }[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
  creationInfo: { created: string };
}

const dependencies = readJson("package.json").dependencies as Record<string, string>;

describe("the SBOM of a release", () => {
  it("lists each package with version, licence and digest, and each file", () =>
    withFolder((folder) => {
      const path = join(folder, "gcrane-linux-x64");
      writeFileSync(path, "program");
      const options = { version: "1.2.3", created: new Date(0), files: [path] };
      const document = sbom(top, options) as Document;
      assertEquals(document, sbom(top, options));
      assertEquals(document.creationInfo.created, "1970-01-01T00:00:00Z");
      const listed = document.packages.filter(({ checksums }) => checksums !== undefined);
      assertEquals(Object.fromEntries(listed.map(({ name, versionInfo }) => [name, versionInfo])), dependencies);
      for (const { name, licenseDeclared, checksums } of listed) {
        assertEquals(licenseDeclared, LICENCES[name]);
        assertMatch(checksums![0].checksumValue, /^[0-9a-f]{128}$/);
      }
      assertEquals(document.packages.filter((one) => !listed.includes(one)).map(({ name }) => name), [
        "@gcrane/gcrane",
        "bun",
      ]);
      const [file] = document.files;
      assertEquals(file.fileName, "./gcrane-linux-x64");
      const digest = createHash("sha256").update("program").digest("hex");
      assertEquals(file.checksums.find(({ algorithm }) => algorithm === "SHA256")?.checksumValue, digest);

      const ids = ["SPDXRef-DOCUMENT", ...[...document.packages, ...document.files].map(({ SPDXID }) => SPDXID)];
      assertEquals(new Set(ids).size, ids.length);
      for (const id of ids) assertMatch(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
      for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
        assert(ids.includes(spdxElementId) && ids.includes(relatedSpdxElement));
      }
    }));

  it("has the packages and licences of docs/dependencies.md", () => {
    assertEquals(Object.keys(LICENCES), Object.keys(dependencies));
    const rows = [...read("docs/dependencies.md").matchAll(/^\| `([^`]+)` +\| (\S+) +\|/gm)];
    assertEquals(Object.fromEntries(rows.map(([, name, licence]) => [name, licence])), LICENCES);
  });
});
