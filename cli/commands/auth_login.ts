import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { helperOf } from "../keychains.ts";
import { ask, readLine } from "../auth_input.ts";
import { commandOptions } from "../remote_options.ts";

/** `gcrane auth login` */
export const command: Command = declare({
  description:
    "Asks for the password, or reads it from standard input with --password-stdin; every process on the machine can read that of -p. The registry is asked first; credentials that it refuses are not stored. The password is stored with the credential helper in docker's config for the registry, else in the config file.",
  args: { registry: { help: "The registry's host" } },
  flags: {
    username: { type: "string", short: "u", valueName: "NAME", help: "The user" },
    passwordStdin: { type: "boolean", help: "Read the password from standard input" },
    noCheck: { type: "boolean", help: "Store the credentials without asking the registry, for example offline" },
    password: {
      type: "string",
      short: "p",
      valueName: "PASSWORD",
      help: "The password, which other users of the machine can then read",
    },
  },
  examples: [
    { text: "Sign in", command: "gcrane auth login registry.example.com -u me" },
    {
      text: "Sign in from a script",
      command: 'echo "$TOKEN" | gcrane auth login ghcr.io -u me --password-stdin',
    },
  ],
  async run(context) {
    const { args, flags, environment, note, warn } = context;
    if (flags.password !== undefined && flags.passwordStdin) {
      throw new UsageError("-p and --password-stdin exclude each other", { hint: "leave out one" });
    }
    if (flags.password !== undefined) {
      warn("every process of the machine can read a password on the command line: pipe it in with --password-stdin");
    }
    const { registryArgument } = await import("../auth_input.ts");
    const registry = registryArgument(args.registry);
    const username = flags.username ??
      (flags.passwordStdin || flags.password !== undefined ? undefined : await ask("Username: ", { context }));
    if (!username) throw new UsageError("no user is given", { hint: "give one with -u" });
    const password = flags.password ??
      (flags.passwordStdin ? await readLine(context) : await ask("Password: ", { context, secret: true }));
    if (!password) throw new UsageError("the password is empty");
    const { signIn } = await import("../../src/crane/mod.ts");
    const { file, helper, isProven } = await signIn(registry.name, { username, password }, {
      ...commandOptions(context),
      check: !flags.noCheck,
      environment,
      helper: helperOf(context),
    });
    if (!flags.noCheck && !isProven) warn(`${registry} asks for no credentials, so these were not checked`);
    if (helper === undefined) warn(`the password is in ${file} without encryption`);
    const place = helper === undefined ? file : `the credential helper ${helper}`;
    note(
      isProven
        ? `signed in to ${registry}; the credentials are in ${place}`
        : `stored the credentials for ${registry} in ${place}`,
    );
  },
});
