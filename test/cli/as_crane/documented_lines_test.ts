import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { writeTar } from "../../../src/tar/mod.ts";
import { utf8 } from "../../make/bytes.ts";
import { withFolder } from "../../make/gcrane_process.ts";
import { withRegistryProcess } from "../../make/registry_process.ts";
import { collect } from "../../make/streams.ts";
import { peerIt } from "../../peers/mod.ts";
import { once } from "../../project/applicable.ts";
import { LINES } from "./command_lines.ts";
import { CraneLink } from "./crane_link.ts";
import { setStage } from "./stage.ts";

peerIt(
  "the command lines of crane's documentation do the same under its name",
  ["jq"],
  () =>
    withFolder((folder) =>
      withRegistryProcess(async (registry) => {
        assert(LINES.length >= 100);
        await setStage(registry);
        mkdirSync(join(folder, "some-dir"));
        writeFileSync(join(folder, "some-dir", "entrypoint.sh"), "#!/bin/sh\n");
        const tar = await collect(writeTar([{ path: "srv/file", content: utf8("content") }]));
        writeFileSync(join(folder, "layer.tar"), tar);
        writeFileSync(join(folder, "layer.tar.gz"), gzipSync(tar));
        const link = new CraneLink(folder, registry);
        const log: string[] = [];
        const wrong: string[] = [];
        for (const { line, code = 0, out = /^$/, err = /^$/ } of LINES) {
          const result = link.run(line);
          const isRight = result.code === code && out.test(result.out) && err.test(result.err);
          const shown = `$ ${line}\n${result.out}${result.err}# exit ${result.code}\n`;
          log.push(shown);
          if (!isRight) wrong.push(shown);
        }
        if (process.env.AS_CRANE_LOG) writeFileSync(process.env.AS_CRANE_LOG, log.join("\n"));
        assertEquals(wrong.join("\n"), "");
        assertMatch(log[0], /^\$ crane export/);
      })
    ),
  { timeout: 900_000, skip: once() },
);
