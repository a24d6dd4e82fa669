/**
 * The main job, shown command by command: an image from a directory to a registry, about in it, and back to files.
 * Each command is the real one, in a process of its own, against a registry on this machine.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "cli", "main.ts");
const folder = mkdtempSync(join(tmpdir(), "gcrane-demo-"));
const words = (line: string) => ["run", "-A", "--quiet", main, ...line.split(" ")];

/** Shows a command and what it prints; ends the demo when it fails. */
function gcrane(line: string): string {
  console.log(`\n$ gcrane ${line}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, words(line), { cwd: folder, encoding: "utf8" });
  const output = `${stderr}${stdout}`.trimEnd();
  if (output !== "") console.log(shorten(output));
  if (status !== 0) throw new Error(`gcrane ${line} ended with ${status}`);
  return stdout.trim();
}

/** Shows a command of the system that looks at what gcrane wrote. */
function show(line: string): void {
  console.log(`\n$ ${line}`);
  const { stdout, stderr } = spawnSync("sh", ["-c", line], { cwd: folder, encoding: "utf8" });
  console.log(shorten(`${stderr}${stdout}`.trimEnd()));
}

function shorten(text: string): string {
  const lines = text.split("\n").map((line) => line.length > 180 ? `${line.slice(0, 177)}…` : line);
  return lines.length > 12 ? [...lines.slice(0, 10), `… ${lines.length - 10} lines more`].join("\n") : lines.join("\n");
}

/** Starts the registry in a process of its own, and waits until it prints its address. */
async function startRegistry(): Promise<{ host: string; stop: () => Promise<void> }> {
  console.log("$ gcrane registry serve --address 127.0.0.1:0 &");
  const server = spawn(process.execPath, words("registry serve --address 127.0.0.1:0"), {
    stdio: ["ignore", "inherit", "pipe"],
  });
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      process.stdout.write(text);
      const match = /http:\/\/(\S+)/.exec(text);
      if (match) resolve(match[1]);
    });
    exited.then(() => reject(new Error("the registry did not start")));
  });
  return {
    host,
    stop: async () => {
      server.kill("SIGINT");
      await exited;
    },
  };
}

const registry = await startRegistry();
const { host } = registry;
try {
  console.log("\n# Make an image from a directory tree, this project's own sources, and push it.");
  const pushed = gcrane(`append -f ${join(root, "src")} --prefix srv/gcrane -t ${host}/demo/app:v1`);
  gcrane(`append -b ${host}/demo/app:v1 -f ${join(root, "cli")} --prefix srv/cli -t ${host}/demo/app:v2`);

  console.log("\n# List the repository, as Google's registries would.");
  gcrane(`ls ${host}/demo/app`);
  gcrane(`digest --full-ref ${host}/demo/app:v1`);

  console.log("\n# Copy it to another repository: the layers are mounted, not sent.");
  gcrane(`copy -a ${host}/demo/app ${host}/mirror/app`);
  gcrane(`catalog ${host}`);

  console.log("\n# Pull it as a tarball for docker load, and as an OCI layout.");
  gcrane(`pull ${host}/mirror/app:v2 app.tar`);
  gcrane(`pull --format oci ${host}/mirror/app:v2 layout`);
  show("ls -l app.tar layout");

  console.log("\n# Export its files.");
  gcrane(`export ${host}/mirror/app:v2 files.tar`);
  show("tar -tvf files.tar");

  console.log("\n# Check every byte of it, in the registry and in the file.");
  gcrane(`validate ${host}/mirror/app:v1 ${host}/mirror/app:v2 --tarball app.tar`);

  const again = gcrane(`digest --full-ref ${host}/mirror/app:v1`);
  if (again.split("@")[1] !== pushed.split("@")[1]) throw new Error("the copy has another digest");
  const megabytes = (statSync(join(folder, "files.tar")).size / 1e6).toFixed(1);
  console.log(`\nDone: the copy has the digest that was pushed, and ${megabytes} MB of files came back.`);
} finally {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
}
