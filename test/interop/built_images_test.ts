import { assertEquals, assertStringIncludes } from "@std/assert";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { crane } from "../../mod.ts";
import { emptyImage, layerFromBytes } from "../../src/image/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import type { ConfigFile } from "../../src/spec/mod.ts";
import { writeNpmApp } from "../make/app_folder.ts";
import { inFolder } from "../make/folders.ts";
import { runFile } from "../make/processes.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { peerIt, podman, runPeer } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";

/** An app with a base in a registry. */
interface Place {
  readonly folder: string;
  /** The name of the image that is built. */
  readonly app: string;
  /** Builds the app with flags. */
  build(...flags: string[]): Promise<void>;
}

async function withApp(work: (place: Place) => Promise<void>): Promise<void> {
  await inFolder((folder) =>
    withRegistryProcess(async (registry) => {
      const base = `${registry}/base:v1`;
      const layer = await layerFromBytes(new Uint8Array(1024));
      await crane.push(appendLayers(emptyImage({ platform: "linux/amd64" }), [layer]), base);
      writeNpmApp(join(folder, "app"), { packages: ["hono"], main: "server.js", files: { "server.js": "" } });
      const build = async (...flags: string[]) => {
        const words = ["build", join(folder, "app"), "-b", base, "--no-cache", ...flags];
        const { code, err } = await runFile("cli/main.ts", words);
        assertEquals(code, 0, err);
      };
      await work({ folder, app: `${registry}/app:v1`, build });
    })
  );
}

describe("an image that gcrane has built", () => {
  const options = { timeout: 300_000, skip: once() };

  peerIt("is read by skopeo and crane", ["skopeo", "crane"], () =>
    withApp(async ({ folder, app, build }) => {
      await build("-t", app);
      const inspected = JSON.parse(await runPeer("skopeo", ["inspect", "--tls-verify=false", `docker://${app}`]));
      assertEquals([inspected.Architecture, inspected.Layers.length], ["amd64", 3]);
      await runPeer("skopeo", ["copy", "--src-tls-verify=false", `docker://${app}`, `dir:${join(folder, "copy")}`]);
      assertStringIncludes(await runPeer("crane", ["validate", "--insecure", "--remote", app]), "PASS");
    }), options);

  peerIt(
    "has lists of packages that oras and cosign find",
    ["oras", "cosign"],
    () =>
      withApp(async ({ app, build }) => {
        await build("-t", app);
        const types = ["application/spdx+json", "application/vnd.cyclonedx+json"];
        const found = await runPeer("oras", ["discover", "--plain-http", app]);
        for (const type of types) assertStringIncludes(found, type);
        const tree = await runPeer("cosign", ["tree", "--allow-insecure-registry", "--allow-http-registry", app]);
        for (const type of types) assertStringIncludes(tree, type);
      }),
    options,
  );

  peerIt(
    "is pulled by podman, and loaded by it from archives",
    ["podman"],
    () =>
      withApp(async ({ folder, app, build }) => {
        await build("-t", app);
        const image = await crane.pull(app);
        const { config, rootfs }: ConfigFile = await image.configFile();
        const [loaded, archive] = [`docker-archive:${join(folder, "docker.tar")}`, join(folder, "oci.tar")];
        await build("-t", app, "-o", loaded);
        await build("-t", app, "-o", archive);
        const ways = [["pull", "--tls-verify=false", app], ["pull", loaded], ["load", "--input", archive]];
        for (const [index, words] of ways.entries()) {
          const storage = join(folder, `storage${index}`);
          await podman(storage, ...words);
          const [inspected] = JSON.parse(await podman(storage, "image", "inspect", app));
          assertEquals(
            {
              id: `sha256:${inspected.Id}`,
              layers: inspected.RootFS.Layers,
              user: inspected.User,
              command: inspected.Config.Entrypoint,
              annotations: inspected.Annotations,
            },
            {
              id: await image.configName(),
              layers: rootfs.diff_ids,
              user: "65532",
              command: config!.Entrypoint,
              annotations: index === 1 ? {} : (await image.manifest()).annotations,
            },
            words.join(" "),
          );
          // Its storage has every file, with its mode and its owner.
          const mounted = (await podman(storage, "image", "mount", app)).trim();
          const { mode, uid } = statSync(join(mounted, "app/server.js"));
          assertEquals([mode & 0o777, uid], [0o644, 0]);
        }
      }),
    options,
  );
});
