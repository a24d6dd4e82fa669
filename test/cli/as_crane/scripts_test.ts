import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { withFolder } from "../../make/gcrane_process.ts";
import { withRegistryProcess } from "../../make/registry_process.ts";
import { once } from "../../project/applicable.ts";
import { CraneLink } from "./crane_link.ts";

/** What the end of each script prints. */
const SCRIPTS: Readonly<Record<string, RegExp>> = {
  rebase: /PASS: .*\n(?:.*\n)*latest rebased $/,
  index: /linux\/s390x\n.*copy@sha256:[0-9a-f]{64}\n$/,
  registry: /team\/app team\/other v1 v2 \/team\/app:v1\ncontent\n$/,
  mirror: /2\n$/,
  release: /PASS: .*\nPASS: release\.tar\nsha256:[0-9a-f]{64}\n"User":"1000"\nagain latest v1 v1\.4 v1\.4\.2 $/,
};

describe("scripts of crane's users, with crane as a link to gcrane", { skip: once() }, () => {
  for (const [name, end] of Object.entries(SCRIPTS)) {
    it(`${name}.sh`, { timeout: 400_000 }, () =>
      withFolder((folder) =>
        withRegistryProcess((registry) => {
          const script = readFileSync(new URL(`${name}.sh`, import.meta.url), "utf8");
          const { code, out, err } = new CraneLink(folder, registry).run(script);
          assertEquals(code, 0, `${out}\n${err}`);
          assertMatch(out, end);
        })
      ));
  }
});
