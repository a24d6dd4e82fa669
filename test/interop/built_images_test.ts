import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { it } from "node:test";
import { crane } from "../../mod.ts";
import { emptyImage, layerFromBytes } from "../../src/image/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import { writeNpmApp } from "../make/app_folder.ts";
import { inFolder } from "../make/folders.ts";
import { runFile } from "../make/processes.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { describePeer, runPeer } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";

describePeer("an image that gcrane has built", ["skopeo", "crane", "oras", "cosign"], () => {
  it(
    "is read by skopeo and crane, and its lists of packages are found by oras and cosign",
    { timeout: 300_000 },
    () =>
      inFolder((folder) =>
        withRegistryProcess(async (registry) => {
          const [base, app] = [`${registry}/base:v1`, `${registry}/app:v1`];
          await crane.push(
            appendLayers(emptyImage({ platform: "linux/amd64" }), [await layerFromBytes(new Uint8Array(1024))]),
            base,
          );
          writeNpmApp(join(folder, "app"), { packages: ["hono"], main: "server.js", files: { "server.js": "" } });
          const { code, err } = await runFile("cli/main.ts", [
            "build",
            join(folder, "app"),
            "-b",
            base,
            "-t",
            app,
            "--no-cache",
          ]);
          assertEquals(code, 0, err);
          const inspected = JSON.parse(await runPeer("skopeo", ["inspect", "--tls-verify=false", `docker://${app}`]));
          assertEquals([inspected.Architecture, inspected.Layers.length], ["amd64", 3]);
          await runPeer("skopeo", ["copy", "--src-tls-verify=false", `docker://${app}`, `dir:${join(folder, "copy")}`]);
          assertStringIncludes(await runPeer("crane", ["validate", "--insecure", "--remote", app]), "PASS");
          const types = ["application/spdx+json", "application/vnd.cyclonedx+json"];
          const found = await runPeer("oras", ["discover", "--plain-http", app]);
          for (const type of types) assertStringIncludes(found, type);
          const tree = await runPeer("cosign", ["tree", "--allow-insecure-registry", "--allow-http-registry", app]);
          for (const type of types) assertStringIncludes(tree, type);
        })
      ),
  );
}, { skip: once() });
