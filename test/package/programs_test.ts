import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { type RegistryServer, serveRegistry, tokenAccess } from "../../src/registry/mod.ts";
import { crane, randomImage } from "../../mod.ts";
import { makeNpmPackage } from "../../tools/npm_package.ts";
import type { Outcomes } from "../make/outcomes.ts";
import { describePeer, inPage } from "../peers/mod.ts";
import { top } from "../project/tree.ts";
import { checkTypes, clients, install, needsFiles, places, programNames } from "./places.ts";
import { tableText } from "./table.ts";

describe("programs with the npm package", { skip: "Deno" in globalThis ? false : "Deno makes it" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_programs_"));
  const installation = join(folder, "installed");
  const found = new Map<string, Outcomes>();
  let [open, closed, hidden]: RegistryServer[] = [];
  const host = ({ hostname, port }: RegistryServer) => `${hostname}:${port}`;

  before(async () => {
    mkdirSync(installation);
    const cors = ["*"];
    const access = tokenAccess({ users: { ann: "secret" } });
    const options = [{ cors }, { cors, access }, {}];
    [open, closed, hidden] = await Promise.all(options.map((each) => serveRegistry(each)));
    await install(installation, await makeNpmPackage(top, "1.2.3-test.1", folder));
  }, { timeout: 120_000 });
  after(async () => {
    for (const server of [open, closed, hidden]) await server?.shutdown({ patience: 0 });
    rmSync(folder, { recursive: true });
  });

  it("there are sixty that need no files, and three that do", () => assertEquals(programNames.length, 63));

  describePeer("types", ["npm", "npx"], () => {
    it("of the programs are those that the package declares", { timeout: 120_000 }, () => checkTypes(installation));
  });

  for (const place of places) {
    describePeer(`on ${place.name}`, ["npm", place.peer], () => {
      before(async () => {
        const name = place.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
        const files = join(folder, `files-of-${name}`);
        mkdirSync(files);
        const surroundings = { registry: host(open), closed: host(closed), place: name };
        found.set(place.name, await place.run(installation, { ...surroundings, ...place.files && { folder: files } }));
      }, { timeout: 120_000 });
      for (const program of programNames) {
        const lacks = needsFiles(program) && !place.files;
        if (!lacks) it(`${program} on ${place.name}`, () => assertEquals(found.get(place.name)?.[program], "done"));
      }
    });
  }

  describePeer("in pages", ["npm", "chromium"], () => {
    for (const [name, { title, largest }] of Object.entries(clients)) {
      it(`${title} loads at most ${largest} bytes before the first answer`, { timeout: 120_000 }, async () => {
        const image = randomImage({ seed: 1 });
        const reference = `${host(open)}/sizes/${name}:v1`;
        await crane.push(image, reference);
        const expression = `import("/${name}.js").then(({ answer }) => answer(${JSON.stringify(reference)}))`;
        const { value, loaded } = await inPage<string>(join(installation, name), expression);
        assertEquals(value, await image.digest());
        const sizes = loaded.map((file) => gzipSync(readFileSync(join(installation, name, file))).length);
        const size = sizes.reduce((sum, each) => sum + each, 0);
        console.log(`${title}: ${size} bytes in ${loaded.length} files`);
        assert(size <= largest, `${size} bytes`);
      });
    }

    it("an error about a registry that lets no page in names what it has to allow", { timeout: 120_000 }, async () => {
      const reference = `${host(hidden)}/app:v1`;
      const expression = `import("/puller.js").then(({ answer }) => answer(${JSON.stringify(reference)}))
        .catch(({ code, message, hint }) => ({ code, message, hint }))`;
      const { value } = await inPage<Record<string, string>>(join(installation, "puller"), expression);
      assertEquals(value.code, "NETWORK_FAILED");
      assertStringIncludes(value.hint, "CORS");
    });
  });

  describePeer("the table", ["npm", ...places.map(({ peer }) => peer)], () => {
    it("docs/runtimes.md has it (deno task runtimes writes it)", () => {
      const text = tableText(found);
      const path = join(top, "docs/runtimes.md");
      if (process.env.GCRANE_WRITE_RUNTIMES) writeFileSync(path, text);
      assertEquals(readFileSync(path, "utf8"), text);
    });
  });
});
