import { assertEquals, assertRejects } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { FileError } from "../../src/errors.ts";
import { machineRegistries, type RegistryLookup } from "../../src/http/mod.ts";
import { withFolder } from "../make/gcrane_process.ts";

/** Runs work with the lookup of a user whose home has the files. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  work: (lookup: RegistryLookup, home: string) => Promise<void>,
  options: { useMirrors?: boolean; variables?: (home: string) => Record<string, string> } = {},
): Promise<void> {
  await withFolder(async (home) => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(home, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const variables: Record<string, string> = { HOME: home, ...options.variables?.(home) };
    await work(machineRegistries({ ...options, environment: (name) => variables[name] }), home);
  });
}

const CONF = ".config/containers/registries.conf";

describe("insecure and blocked of registries.conf", () => {
  it("hold for what begins with the prefix, the longest one of several", () =>
    withFiles({
      [CONF]: `
        unqualified-search-registries = ["docker.io"]
        [[registry]]
        prefix = "example.com"
        location = "example.com"
        insecure = true
        [[registry]]
        location = "example.com/team/secret"
        blocked = true
        [[registry]]
        prefix = "*.corp.test/open"
        insecure = true
        [[registry]]
        location = "docker.io/library"
        blocked = true
        [[registry]]
        prefix = "moved.test"
        location = "elsewhere.test"
        insecure = true
      `,
    }, async (lookup, home) => {
      const file = join(home, CONF);
      const insecure = { insecure: true, mirrors: [] };
      const blocked = { insecure: false, blockedBy: file, mirrors: [] };
      const plain = { insecure: false, mirrors: [] };
      const cases: [string, object][] = [
        ["example.com", insecure],
        ["example.com/app", insecure],
        ["example.com:5000/app", insecure],
        ["example.company/app", plain],
        ["an.example.com/app", plain],
        ["example.com/team/secret", blocked],
        ["example.com/team/secret/deep", blocked],
        ["example.com/team/secrets", insecure],
        ["a.corp.test/open/app", insecure],
        ["a.b.corp.test/open", insecure],
        ["a.corp.test/other", plain],
        ["corp.test/open", plain],
        ["x/a.corp.test/open", plain],
        ["index.docker.io/library/alpine", blocked],
        ["index.docker.io/team/app", plain],
        // The entry is about the place that it names.
        ["moved.test/app", plain],
      ];
      for (const [name, wanted] of cases) assertEquals(await lookup(name), wanted as never, name);
    }));

  it("are replaced by the files in registries.conf.d, in their order", () =>
    withFiles({
      [CONF]: `[[registry]]\nlocation = "example.com"\nblocked = true`,
      ".config/containers/registries.conf.d/a.conf": `[[registry]]\nlocation = "example.com"\ninsecure = true`,
      ".config/containers/registries.conf.d/b.conf": `[[registry]]\nprefix = "example.com"\n`,
      ".config/containers/registries.conf.d/c.conf.bak": `[[registry]]\nlocation = "example.com"\nblocked = true`,
    }, async (lookup) => assertEquals(await lookup("example.com"), { insecure: false, mirrors: [] })));

  it("are read in the file that CONTAINERS_REGISTRIES_CONF names, and in XDG_CONFIG_HOME", async () => {
    const files = {
      "named.conf": `[[registry]]\nlocation = "named.test"\ninsecure = true`,
      "xdg/containers/registries.conf": `[[registry]]\nlocation = "xdg.test"\ninsecure = true`,
      [CONF]: `[[registry]]\nlocation = "home.test"\ninsecure = true`,
    };
    const ways: [string, (home: string) => Record<string, string>][] = [
      ["named.test", (home) => ({ CONTAINERS_REGISTRIES_CONF: join(home, "named.conf") })],
      ["xdg.test", (home) => ({ XDG_CONFIG_HOME: join(home, "xdg") })],
      ["home.test", () => ({})],
    ];
    for (const [wanted, variables] of ways) {
      await withFiles(files, async (lookup) => {
        for (const [name] of ways) assertEquals((await lookup(name)).insecure, name === wanted, `${name} ${wanted}`);
      }, { variables });
    }
  });

  it("are read however the table is written", async () => {
    const texts = [
      `registry = [{ location = "a.test", insecure = true }]`,
      `[[ "registry" ]]\nlocation = "a.test"\ninsecure = true`,
      `[aliases]\na = "registry/a"\n  [[registry]]\nlocation = "a.test"\ninsecure = true`,
      `registries.insecure.registries = ["a.test"]`,
    ];
    for (const text of texts) {
      await withFiles({ [CONF]: text }, async (lookup) => assertEquals((await lookup("a.test")).insecure, true, text));
    }
  });

  it("are not looked for in a list of aliases, of which one may have the name of the table", async () => {
    // The last line would be an error if the text was parsed.
    const text = `[aliases]\n  "registry" = "docker.io/library/registry"\nno TOML`;
    await withFiles({ [CONF]: text }, async (lookup) => {
      assertEquals(await lookup("a.test"), { insecure: false, mirrors: [] });
    });
  });

  it("are read in version 1 of the format", () =>
    withFiles({
      [CONF]: `[registries.insecure]\nregistries = ["a.test"]\n[registries.block]\nregistries = ["b.test"]`,
    }, async (lookup, home) => {
      assertEquals(await lookup("a.test/app"), { insecure: true, mirrors: [] });
      assertEquals(await lookup("b.test"), { insecure: false, blockedBy: join(home, CONF), mirrors: [] });
    }));

  it("name the file with the line, or the key, of what is wrong, and show nothing of it", async () => {
    const cases: [string, string][] = [
      [`[[registry]]\nprefix = "s3cret\n`, "is not TOML: see line 2, column"],
      [`[[registry]]\nblocked = s3cret\n`, "is not TOML: see line 2"],
      [`[[registry]]\nlocation = "a.test"\ninsecure = "s3cret"`, "registry[0].insecure is not true or false"],
      [`[[registry]]\nlocation = 3`, "registry[0].location is not a text"],
      [`[[registry]]\ninsecure = true`, "registry[0].location is not given"],
      [`[[registry]]\nlocation = "https://s3cret"`, "registry[0].location is not HOST[:PORT][/PATH]"],
      [`registry = "s3cret"`, "registry is not a list of tables"],
      [`[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\ninsecure = true`, "registry[0].mirror[0].location"],
      [
        `[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\nlocation = "m.test"\npull-from-mirror = "s3cret"`,
        "registry[0].mirror[0].pull-from-mirror is not all",
      ],
      [`[registries.block]\nregistries = [1]`, "registries.block.registries is not a text or a list of texts"],
    ];
    for (const [text, words] of cases) {
      await withFiles({ [CONF]: text }, async (lookup, home) => {
        const error = await assertRejects(() => lookup("a.test"), FileError, words);
        assertEquals([error.message.startsWith(join(home, CONF)), error.message.includes("s3cret")], [true, false]);
        assertEquals(error.hint, "correct the file, or move it away");
      });
    }
    const variables = () => ({ CONTAINERS_REGISTRIES_CONF: "/nonexistent.conf" });
    await withFiles({}, async (lookup) => {
      await assertRejects(() => lookup("a.test"), FileError, "can't read /nonexistent.conf");
    }, { variables });
  });
});

describe("mirrors", () => {
  it("are used only if that is asked for", () =>
    withFiles({
      [CONF]: `[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\nlocation = "m.test"`,
      ".config/docker/certs.d/a.test/hosts.toml": `[host."https://h.test"]`,
    }, async (lookup) => assertEquals((await lookup("a.test/app")).mirrors, [])));

  it("of registries.conf replace the prefix, in their order, and the location is the last", () =>
    withFiles({
      [CONF]: `
        [[registry]]
        prefix = "a.test/team"
        location = "moved.test/other"
        insecure = true
        [[registry.mirror]]
        location = "m.test:5000"
        [[registry.mirror]]
        location = "tags.test"
        pull-from-mirror = "tag-only"
        [[registry.mirror]]
        location = "n.test/cache/"
        insecure = true
        pull-from-mirror = "digest-only"
        [[registry]]
        prefix = "*.b.test"
        [[registry.mirror]]
        location = "wild.test"
      `,
    }, async (lookup) => {
      const root = "/v2";
      assertEquals((await lookup("a.test/team/app")).mirrors, [
        { host: "m.test:5000", root, repository: "app", insecure: false },
        { host: "n.test", root, repository: "cache/app", insecure: true },
        { host: "moved.test", root, repository: "other/app", insecure: true },
      ]);
      assertEquals((await lookup("x.b.test/app")).mirrors, [
        { host: "wild.test", root, repository: "app", insecure: false },
      ]);
      assertEquals((await lookup("a.test")).mirrors, []);
    }, { useMirrors: true }));

  it("of hosts.toml are its hosts that may be pulled from, and its server", () =>
    withFiles({
      ".config/containerd/certs.d/docker.io/hosts.toml": `
        server = "https://registry-1.docker.io"
        [host."https://m.test"]
        capabilities = ["pull", "resolve"]
        ca = "../ca.pem"
        client = [["me.pem", "me.key"]]
        [host."https://m.test".header]
        x-key = "abc"
        x-list = ["a", "b"]
        [host."https://push.test"]
        capabilities = ["push", "resolve"]
        [host."http://plain.test:8080/hub"]
        [host."proxy.test/v2/hub"]
        override_path = true
        skip_verify = true
        client = "both.pem"
      `,
      ".config/containerd/certs.d/ca.pem": "CA",
      ".config/containerd/certs.d/docker.io/me.pem": "CERT",
      ".config/containerd/certs.d/docker.io/me.key": "KEY",
      ".config/containerd/certs.d/docker.io/both.pem": "BOTH",
      ".config/docker/certs.d/docker.io/hosts.toml": `[host."https://second.test"]`,
      ".config/docker/certs.d/a.test_5000_/hosts.toml": `server = "https://a.test:5000"\n[host."https://port.test"]`,
      ".config/docker/certs.d/_default/hosts.toml": `[host."https://default.test"]`,
    }, async (lookup) => {
      const hub = { repository: "library/alpine", query: "ns=docker.io" };
      assertEquals((await lookup("index.docker.io/library/alpine")).mirrors, [
        {
          ...hub,
          host: "m.test",
          root: "/v2",
          insecure: false,
          headers: { "x-key": "abc", "x-list": "a, b" },
          ca: "CA",
          cert: "CERT",
          key: "KEY",
        },
        { ...hub, host: "plain.test:8080", root: "/hub/v2", insecure: true, headers: {} },
        { ...hub, host: "proxy.test", root: "/v2/hub", insecure: true, headers: {}, cert: "BOTH" },
        { ...hub, host: "registry-1.docker.io", root: "/v2", insecure: false, headers: {} },
      ]);
      const hosts = async (name: string) => (await lookup(name)).mirrors.map(({ host, query }) => `${host}?${query}`);
      assertEquals(await hosts("a.test:5000/app"), ["port.test?ns=a.test%3A5000"]);
      assertEquals(await hosts("a.test/app"), ["default.test?ns=a.test"]);
    }, { useMirrors: true }));

  it("of a wrong hosts.toml name the file and the key", async () => {
    const path = ".config/docker/certs.d/a.test/hosts.toml";
    const cases: [string, string][] = [
      [`[host]\n"https://m.test" = 3`, `host."https://m.test" is not a table`],
      [`[host."https://m.test"]\nskip_verify = 1`, `host."https://m.test".skip_verify is not true or false`],
      [`[host."https://:x"]`, `"https://:x" is not the URL of a host`],
      [`[host."https://m.test"]\nclient = [[1]]`, `host."https://m.test".client is not a file`],
      [`[host."https://m.test"]\nca = "gone.pem"`, "gone.pem, which"],
      [`server = "https`, "is not TOML: see line 1"],
    ];
    for (const [text, words] of cases) {
      await withFiles({ [path]: text }, async (lookup, home) => {
        const error = await assertRejects(() => lookup("a.test/app"), FileError, words);
        assertEquals(error.message.includes(join(home, path)), true, error.message);
      }, { useMirrors: true });
    }
  });
});
