/**
 * Tests the conformance of a registry to the distribution-spec 1.1 and to what its next version adds: `deno task conformance http://127.0.0.1:5000`.
 *
 * Pushes to a repository of its own, `conformance/…` or that of `--repository`, and leaves content behind if the
 * registry does not support deletion.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { checks, look, USUAL, type Workflow, WORKFLOWS } from "./checks.ts";
import { World } from "./world.ts";

const usage = `Usage: deno task conformance URL [--user NAME] [--repository NAME] [--only WORKFLOWS]

  --user NAME        sign in; the password is read from the environment variable REGISTRY_PASSWORD
  --repository NAME  the repository to push to, conformance/<random> by default; NAME-other is used too
  --only WORKFLOWS   some of pull,push,discovery,management,sparse; all but sparse by default
`;

/** Runs it and gives the exit code: 0 where nothing deviates, 1 where something does, 2 for wrong usage. */
async function main(args: string[]): Promise<number> {
  const read = readLine(args);
  if (typeof read === "number") return read;
  const { url, user, repository, wanted } = read;
  const world = new World({ url, user, password: process.env.REGISTRY_PASSWORD, repository });
  console.log(`${url}, repository ${world.repository}`);
  const counts = { pass: 0, fail: 0, skip: 0 };
  for (const workflow of wanted) {
    console.log(`\n${workflow}`);
    for (const check of checks.filter((check) => check.workflow === workflow)) {
      const { verdict, reason } = await look(check, world);
      counts[verdict]++;
      console.log(`  ${{ pass: "ok  ", fail: "FAIL", skip: "-   " }[verdict]}  ${check.title}`);
      if (reason) console.log(`          ${reason}`);
    }
  }
  console.log(`\n${counts.pass} as specified, ${counts.fail} not, ${counts.skip} not offered`);
  return counts.fail > 0 ? 1 : 0;
}

/** Reads the command line; where it is wrong or asks for help, gives the exit code. */
function readLine(args: string[]) {
  const fail = (message: string) => {
    console.error(`${message}\n\n${usage}`);
    return 2;
  };
  const text = { type: "string" } as const;
  const options = { user: text, repository: text, only: text, help: { type: "boolean" } } as const;
  try {
    const { positionals: [url], values } = parseArgs({ args, allowPositionals: true, options });
    const { only, help, ...rest } = values;
    if (help) {
      console.log(usage);
      return 0;
    }
    if (url === undefined || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
      return fail("name the registry by its URL");
    }
    const wanted = only === undefined ? USUAL : only.split(",") as Workflow[];
    const unknown = wanted.filter((workflow) => !WORKFLOWS.includes(workflow));
    if (unknown.length > 0) return fail(`${unknown.join(", ")}: none of ${WORKFLOWS.join(", ")}`);
    return { url, wanted, ...rest };
  } catch (error) {
    return fail((error as Error).message);
  }
}

process.exit(await main(process.argv.slice(2)));
