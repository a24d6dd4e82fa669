import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { randomImage } from "../../../src/image/mod.ts";
import { basicAccess, tokenAccess } from "../../../src/registry/mod.ts";
import { inWorld } from "../../make/command_world.ts";

const app = "registry.example.com/team/app";
const LOGIN = "gcrane auth login registry.example.com";
const users = { ann: "right", ben: "right" };
const rules = [
  { user: "ann", repository: "**", actions: ["pull", "push"] },
  { user: "ben", repository: "other", actions: ["pull"] },
] as const;

describe("a command that the registry refuses gives one next step", () => {
  for (const [kind, access] of [["passwords", basicAccess], ["tokens", tokenAccess]] as const) {
    for (
      const [user, password, words, step] of [
        ["", "", "", `if the name is right, sign in with: ${LOGIN}`],
        ["ann", "wrong", "the user or the password is wrong", `sign in again with: ${LOGIN}`],
        ["ben", "right", "", `if the name is right, sign in as a user with the permission: ${LOGIN}`],
      ]
    ) {
      it(`with ${kind}, to ${user === "" ? "an anonymous client" : `${user} with the ${password} password`}`, () =>
        inWorld(async (world) => {
          const environment: Record<string, string> = user === "" ? {} : { ME_USERNAME: user, ME_PASSWORD: password };
          const flags = user === "" ? "" : "--keychain env:ME";
          for (const line of [`digest ${app}:v1`, `config ${app}:v1`, `ls ${app}`, `copy ${app}:v1 ${app}:v2`]) {
            const { code, out, err } = await world.gcrane(`${line} ${flags}`.trim(), { environment });
            assertEquals([code, out, err.split(" — ")[1]], [1, "", `${step}\n`], err);
            assertMatch(err, new RegExp(`^Error: GET \\S+: 40[13] \\w+: \\w+: [^—]*${words} — `));
          }
        }, { access: access({ users, rules }) }));
    }
  }

  it("for a name that is not there, with sign-in or without", async () => {
    for (const access of [undefined, basicAccess({ users })]) {
      await inWorld(async (world) => {
        const environment = { ME_USERNAME: "ann", ME_PASSWORD: "right" };
        const step = async (line: string) => {
          const { code, err } = await world.gcrane(`${line} --keychain env:ME`, { environment });
          return [code, err.split(" — ")[1]];
        };
        const missing = [1, "check the spelling of the repository and the tag\n"];
        assertEquals(await step(`digest ${app}:v1`), missing);
        assertEquals(await step(`config ${app}:v1`), missing);
        assertEquals(await step(`ls ${app}`), [1, "check the spelling of the repository\n"]);
      }, access && { access });
    }
    await inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const { err } = await world.gcrane(`digest ${app}:v2`);
      assertEquals(err.split(" — ")[1], "check the spelling of the repository and the tag\n");
    });
  });
});
