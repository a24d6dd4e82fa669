import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { ConfigFile } from "../../src/spec/mod.ts";
import { pathOf, runPeer } from "../peers/mod.ts";
import type { World } from "./command_world.ts";
import { until } from "./waiting.ts";

/**
 * Runs an image of a world's registry in a root of its own, as its config has it, while `work` runs with the address
 * that it prints as `http://…`.
 */
export async function withRunning<T>(
  world: World,
  { image, env = {} }: { image: string; env?: Record<string, string> },
  work: (address: string) => Promise<T>,
): Promise<T> {
  const root = world.path(`root of ${image.replaceAll(/\W/g, "_")}`);
  mkdirSync(`${root}/proc`, { recursive: true });
  await world.data(["export", "--platform", "linux/amd64", image, world.path("exported.tar")]);
  await runPeer("tar", ["-xf", world.path("exported.tar"), "-C", root, "--no-same-owner"]);
  const { config = {} }: ConfigFile = JSON.parse(await world.data(`config --platform linux/amd64 ${image}`));
  const variables = Object.fromEntries((config.Env ?? []).map((text) => text.split(/=(.*)/s, 2)));
  const words = [...config.Entrypoint ?? [], ...config.Cmd ?? []];
  const group = `--userspec=${config.User}:${config.User}`;
  // Bun needs /proc, which every container has.
  const mount = `mount --bind /proc "$1/proc" && exec ${pathOf("chroot")} ${group} "$@"`;
  const line = ["--mount", "sh", "-c", mount, "sh", root, ...words];
  const running = spawn(pathOf("unshare"), line, { env: { ...variables, ...env } });
  let printed = "";
  let ended = false;
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => printed += text);
  }
  const end = new Promise<void>((resolve) => running.once("close", () => (ended = true, resolve())));
  try {
    let address: string | undefined;
    await until(() => {
      address = /http:\/\/[\w.:]+/.exec(printed)?.[0];
      if (ended && address === undefined) throw new Error(`${words.join(" ")} ended: ${printed}`);
      return address !== undefined;
    }, { what: () => `the address of ${words.join(" ")}, which printed ${printed}` });
    return await work(address!);
  } finally {
    running.kill("SIGKILL");
    await end;
  }
}
