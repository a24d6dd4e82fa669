import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { FileError } from "../../src/errors.ts";
import { environmentAuthorities, hostCertificates } from "../../src/http/certificate_files.ts";
import { inFolder } from "../make/folders.ts";

const ca = readFileSync(new URL("../testdata/network/ca.pem", import.meta.url), "utf8");
const other = readFileSync(new URL("../testdata/runtime/ca.pem", import.meta.url), "utf8");

function put(folder: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

describe("the certificates for a host", () => {
  it("are those of the first folder that has some", async () => {
    await inFolder(async (folder) => {
      put(folder, {
        "one/a.test/a.crt": "A",
        "one/a.test/b.crt": "B",
        "two/a.test/a.crt": "C",
        "two/b.test:5000/me.cert": "D",
        "two/b.test:5000/me.key": "E",
        "two/b.test/other.crt": "F",
      });
      const folders = [join(folder, "none"), join(folder, "one"), join(folder, "two")];
      assertEquals(await hostCertificates(folders, ["a.test", "a.test:443"]), { ca: "A\nB" });
      assertEquals(await hostCertificates(folders, ["b.test:5000"]), { cert: "D", key: "E" });
      assertEquals(await hostCertificates(folders, ["c.test"]), {});
    });
  });

  it("are an error without the key", async () => {
    await inFolder(async (folder) => {
      put(folder, { "a.test/me.cert": "A" });
      const error = await assertRejects(() => hostCertificates([folder], ["a.test"]), FileError, "me.cert has no key");
      assertStringIncludes(error.hint ?? "", "me.key");
    });
  });
});

describe("the authorities of the environment", () => {
  const read = (variables: Record<string, string>) => environmentAuthorities((name) => variables[name]);
  const count = (text = "") => text.split("-----BEGIN CERTIFICATE-----").length - 1;

  it("are those of SSL_CERT_FILE and of the folders in SSL_CERT_DIR, each once", async () => {
    await inFolder(async (folder) => {
      put(folder, { "file.pem": ca, "one/a.0": ca, "two/b.pem": `# a comment\n${other}`, "two/notes": "none" });
      const path = (name: string) => join(folder, name);
      assertEquals(count(await read({ SSL_CERT_FILE: path("file.pem") })), 1);
      assertEquals(count(await read({ SSL_CERT_DIR: `${path("one")}:${path("two")}` })), 2);
      assertEquals(count(await read({ SSL_CERT_FILE: path("file.pem"), SSL_CERT_DIR: path("one") })), 1);
    });
  });

  it("are none where nothing can be read", async () => {
    assertEquals(await read({}), undefined);
    assertEquals(await read({ SSL_CERT_FILE: "/nonexistent/a.pem", SSL_CERT_DIR: "/nonexistent:" }), undefined);
  });
});
