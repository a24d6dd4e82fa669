import { assertEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Place } from "../make/process_place.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { describePeer, podman, runPeerForBytes, skopeo, tar, umoci } from "../peers/mod.ts";
import { describeTree, makeTree } from "../make/directory_trees.ts";

let place: Place;
let app: string;
let stop: () => void;
let stopped: Promise<void>;

before(async () => {
  place = new Place();
  const ready = Promise.withResolvers<string>();
  const end = Promise.withResolvers<void>();
  stop = end.resolve;
  stopped = withRegistryProcess((host) => {
    ready.resolve(host);
    return end.promise;
  });
  stopped.catch(ready.reject);
  app = `${await ready.promise}/app:v1`;
  mkdirSync(place.path("tree"));
  makeTree(place.path("tree"));
  await place.data(`append --oci-empty-base -f tree -t ${app}`);
});
after(async () => {
  stop();
  await stopped;
  place.remove();
});

/** The tree that the image holds, as text. */
function expected(): string[] {
  return describeTree(place.path("tree"));
}

describe("files", () => {
  describePeer("GNU tar", ["tar"], () => {
    it("lists and extracts what gcrane exports", async () => {
      await place.data(`export ${app} files.tar`);
      const listed = (await tar("--list", "--quoting-style=literal", "--file", place.path("files.tar"))).trim().split(
        "\n",
      );
      const paths = expected().map((line) => /^(.*?)(?:\/? \d+| -> )/.exec(line)![1]);
      assertEquals(listed.map((path) => path.replace(/\/$/, "")).sort(), paths.sort());
      mkdirSync(place.path("extracted"));
      await tar(
        "--extract",
        "--preserve-permissions",
        "--file",
        place.path("files.tar"),
        "--directory",
        place.path("extracted"),
      );
      assertEquals(describeTree(place.path("extracted")), expected());
    });

    it("packs what gcrane appends, in each of its formats, whiteouts and all", async () => {
      mkdirSync(place.path("upper/etc"), { recursive: true });
      place.write("upper/etc/.wh.motd", "");
      place.write("upper/etc/new", "new\n");
      for (const format of ["gnu", "pax", "ustar"]) {
        const packed = await runPeerForBytes("tar", [
          "--create",
          `--format=${format}`,
          "--gzip",
          "--directory",
          place.path("upper"),
          ".",
        ]);
        place.write("upper.tar.gz", packed);
        await place.data(`append -b ${app} -f upper.tar.gz -t ${app}-${format}`);
        await place.data(`export ${app}-${format} ${format}.tar`);
        mkdirSync(place.path(format));
        await tar(
          "--extract",
          "--preserve-permissions",
          "--file",
          place.path(`${format}.tar`),
          "--directory",
          place.path(format),
        );
        const lines = describeTree(place.path(format));
        assertEquals(lines.filter((line) => line.startsWith("etc/motd")), []);
        assertEquals(lines.filter((line) => line.startsWith("etc/new")).length, 1);
        assertEquals(lines.length, expected().length);
      }
    });
  });

  describePeer("umoci", ["umoci"], () => {
    it("unpacks a layout that gcrane pulled", async () => {
      await place.data(`pull --format oci --annotate-ref ${app} layout`);
      const [name] = (await umoci("list", "--layout", place.path("layout"))).trim().split("\n");
      await umoci("unpack", "--rootless", "--image", `${place.path("layout")}:${name}`, place.path("bundle"));
      assertEquals(describeTree(place.path("bundle/rootfs")), expected());
    });
  });

  describePeer("skopeo", ["skopeo"], () => {
    it("writes a tarball as docker save does, which gcrane pushes", async () => {
      const file = place.path("skopeo.tar");
      await skopeo("copy", "--src-tls-verify=false", `docker://${app}`, `docker-archive:${file}:example.com/app:v1`);
      await place.data(`push ${file} ${app}-docker`);
      assertEquals(
        await place.data(`validate ${app}-docker --tarball ${file}`),
        `PASS: ${app}-docker\nPASS: ${file}\n`,
      );
      assertEquals(
        JSON.parse(await place.data(`config ${app}-docker`)).rootfs,
        JSON.parse(await place.data(`config ${app}`)).rootfs,
      );
    });

    it("reads the tarball and the layout that gcrane pulls", async () => {
      await place.data(`pull ${app} app.tar`);
      await skopeo("copy", `docker-archive:${place.path("app.tar")}`, `oci:${place.path("from-tarball")}:v1`);
      await place.data(`pull --format oci ${app} one`);
      const raw = await skopeo("inspect", "--raw", `oci:${place.path("one")}`);
      assertEquals(raw, await place.data(`manifest ${app}`));
      const config = (reference: string) => skopeo("inspect", "--config", "--raw", reference);
      // skopeo writes the config anew.
      const [made, kept] = [
        await config(`oci:${place.path("from-tarball")}:v1`),
        await config(`oci:${place.path("one")}`),
      ];
      assertEquals(JSON.parse(made), JSON.parse(kept));
    });
  });

  describePeer("podman", ["podman"], () => {
    it("loads the tarball that gcrane pulls, and saves one that gcrane pushes", { timeout: 60_000 }, async () => {
      const storage = place.path("podman");
      await place.data(`pull ${app} loaded.tar`);
      assertStringIncludes(await podman(storage, "load", "--input", place.path("loaded.tar")), app);
      const [id] = (await podman(storage, "images", "--quiet", "--no-trunc")).trim().split("\n");
      assertEquals(id, JSON.parse(await place.data(`manifest ${app}`)).config.digest);
      await podman(storage, "save", "--output", place.path("saved.tar"), app);
      await place.data(`push saved.tar ${app}-podman`);
      assertEquals(await place.data(`config ${app}-podman`), await place.data(`config ${app}`));
    });
  });
});
