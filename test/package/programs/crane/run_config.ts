import { assert, assertEquals } from "@std/assert";
import { configFile, mutate, push } from "@gcrane/gcrane/crane";
import { imageOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Sets what an image runs. */
export default async function ({ repository }: World): Promise<void> {
  await push(await imageOf({ "app/main.js": "console.log(1);" }), `${repository}:v1`);
  const changes = { entrypoint: ["node"], cmd: ["/app/main.js"], env: { PORT: "80" }, user: "app", workdir: "/app" };
  const changed = await mutate(`${repository}:v1`, { ...changes, exposedPorts: ["80/tcp"] });
  const { config } = await configFile(changed);
  assertEquals(config?.Entrypoint, ["node"]);
  assertEquals(config?.Cmd, ["/app/main.js"]);
  assert(config?.Env?.includes("PORT=80"));
  assertEquals(Object.keys(config?.ExposedPorts ?? {}), ["80/tcp"]);
  assertEquals([config?.User, config?.WorkingDir], ["app", "/app"]);
}
