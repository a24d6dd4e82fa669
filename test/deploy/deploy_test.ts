import { assert, assertEquals, assertRejects } from "@std/assert";
import { parse, parseAll } from "@std/yaml/parse";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../src/errors.ts";
import { globalFlags } from "../../cli/global_flags.ts";
import { parseWords } from "../../cli/parse_words.ts";
import { isCommandEntry, resolveCommand } from "../../cli/resolve.ts";
import { gcrane } from "../../cli/table.ts";
import { inFolder } from "../make/folders.ts";
import { pathOf, peerIt } from "../peers/mod.ts";
import { schemaProblems } from "./kubernetes_schema.ts";

const DEPLOY = fileURLToPath(new URL("../../deploy", import.meta.url));
const CONFIG = "/etc/gcrane/registry.yaml";

const read = (path: string) => readFileSync(join(DEPLOY, path), "utf8");

/** Parses the words of a command as the program does, with the files that they name in a folder. */
async function parseCommand(
  words: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<{ command: string; flags: Readonly<Record<string, unknown>> }> {
  let found: { command: string; flags: Readonly<Record<string, unknown>> };
  await inFolder(async (folder) => {
    const placed = words.map((word) => {
      if (files[word] === undefined) return word;
      const path = join(folder, "config.yaml");
      writeFileSync(path, files[word]);
      return path;
    });
    const { entry, words: rest, path } = resolveCommand(gcrane, placed);
    assert(entry !== undefined && isCommandEntry(entry), words.join(" "));
    const { command } = await entry.load();
    const flags = { ...globalFlags, ...command.flags };
    const parsed = await parseWords(rest, { args: command.args, flags, environment: () => undefined });
    found = { command: path.slice(1).join(" "), flags: parsed.flags };
  });
  return found!;
}

// deno-lint-ignore no-explicit-any -- the schema is tested beside
type Manifest = any;

function manifests(): Manifest[] {
  const files = readdirSync(join(DEPLOY, "kubernetes")).sort();
  return files.flatMap((file) => parseAll(read(join("kubernetes", file))) as Manifest[]);
}

const podOf = ({ spec }: Manifest): Manifest => (spec.jobTemplate?.spec ?? spec).template;

describe("deploy/registry.yaml", () => {
  it("has only flags of registry serve, also where it is commented out", async () => {
    const text = read("registry.yaml");
    const all = text.replaceAll(/^# (?=[a-z-]+: *\S*$|[a-z-]+:$| {2}- )/gm, "");
    assertEquals(
      (await parseCommand(["registry", "serve", "--config", CONFIG], { [CONFIG]: text })).flags.address,
      ":5000",
    );
    const { flags } = await parseCommand(["registry", "serve", "--config", CONFIG], { [CONFIG]: all });
    assertEquals([flags.tlsCert, flags.tokenAuth, (flags.allow as string[]).length], ["/etc/gcrane/tls.crt", true, 3]);
  });
});

describe("deploy/gcrane-registry.service", () => {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(read("gcrane-registry.service"))?.[1] ?? "";

  it("starts a registry with the configuration beside it, in its own folder", async () => {
    const [program, ...words] = value("ExecStart").split(" ");
    const { command, flags } = await parseCommand(words, { [CONFIG]: read("registry.yaml") });
    assertEquals([program, command], ["/usr/local/bin/gcrane", "registry serve"]);
    assertEquals(flags.disk, `/var/lib/${value("StateDirectory")}`);
    assert(parseInt(value("TimeoutStopSec")) > Number(flags.drain));
  });

  peerIt("passes systemd-analyze verify", ["systemd-analyze"], () =>
    inFolder((folder) => {
      const unit = join(folder, "gcrane-registry.service");
      const verify = (text: string) => {
        writeFileSync(unit, text.replace("/usr/local/bin/gcrane", "/bin/true"));
        const words = ["verify", "--man=no", unit];
        const { status, stdout, stderr } = spawnSync(pathOf("systemd-analyze"), words, { encoding: "utf8" });
        return `${status} ${stdout}${stderr}`;
      };
      const text = read("gcrane-registry.service");
      assertEquals(verify(text), "0 ");
      assert(verify(text.replace("ProtectProc=", "ProtectNoProc=")).includes("'ProtectNoProc'"));
      return Promise.resolve();
    }));
});

describe("deploy/kubernetes", () => {
  it("has fields that the API has, with values of their types", () => {
    assertEquals(manifests().map(({ kind }) => kind), [
      "CronJob",
      "ConfigMap",
      "Service",
      "PodDisruptionBudget",
      "Deployment",
    ]);
    for (const manifest of manifests()) assertEquals(schemaProblems(manifest), []);
    const wrong = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: 1 },
      spec: { ports: [{ port: "80", target: 5 }], selector: [] },
    };
    assertEquals(schemaProblems(wrong), [
      "metadata.name is no string",
      "spec.ports[0].port is no whole number",
      "spec.ports[0].target is unknown",
      "spec.selector is no object",
    ]);
  });

  it("runs commands with flags that they have", async () => {
    const config = manifests().find(({ kind }) => kind === "ConfigMap").data["registry.yaml"];
    const files = { [CONFIG]: config };
    const runs = manifests().filter(({ kind }) => kind === "Deployment" || kind === "CronJob");
    const parsed = [];
    for (const run of runs) {
      for (const { args } of podOf(run).spec.containers) parsed.push(await parseCommand(args, files));
    }
    assertEquals(parsed.map(({ command }) => command), ["registry gc", "registry serve"]);
    const [gc, serve] = parsed.map(({ flags }) => flags);
    assertEquals([gc.s3, gc.s3Region], [serve.s3, serve.s3Region]);
    assertEquals([serve.gcEvery, serve.address], ["0", ":5000"]);
    await assertRejects(
      () => parseCommand(["registry", "serve", "--config", CONFIG], { [CONFIG]: "adress: x" }),
      UsageError,
      'there is no flag "adress"',
    );
  });

  it("names ports, volumes and labels that are there", () => {
    const all = manifests();
    const deployment = all.find(({ kind }) => kind === "Deployment");
    const { labels } = podOf(deployment).metadata;
    const service = all.find(({ kind }) => kind === "Service").spec;
    const budget = all.find(({ kind }) => kind === "PodDisruptionBudget").spec.selector.matchLabels;
    for (const selector of [deployment.spec.selector.matchLabels, service.selector, budget]) {
      assertEquals(selector, labels);
    }
    for (const { spec } of all.filter(({ kind }) => kind === "Deployment" || kind === "CronJob").map(podOf)) {
      const volumes = spec.volumes.map(({ name }: Manifest) => name);
      for (const container of spec.containers) {
        assertEquals(container.volumeMounts.map(({ name }: Manifest) => name), volumes);
      }
    }
    const [{ ports, readinessProbe, livenessProbe, volumeMounts }] = podOf(deployment).spec.containers;
    const paths = [readinessProbe, livenessProbe].map(({ httpGet: { path, port } }: Manifest) => `${port} ${path}`);
    assertEquals(paths, ["http /healthz", "http /healthz"]);
    assertEquals([ports[0].name, service.ports[0].targetPort], ["http", "http"]);
    const config = parse(all.find(({ kind }) => kind === "ConfigMap").data["registry.yaml"]) as Manifest;
    assertEquals(config.address, `:${ports[0].containerPort}`);
    const items = podOf(deployment).spec.volumes[0].projected.sources[1].secret.items;
    const mounted = items.map(({ path }: Manifest) => `${volumeMounts[0].mountPath}/${path}`);
    assertEquals(mounted, [config["token-key"], config.htpasswd]);
  });
});
