import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { resolveYaml } from "../../src/build/mod.ts";
import { BuildError } from "../../src/errors.ts";

const image = (directory: string) => Promise.resolve(`registry.example.com/${directory.replace("./", "")}@sha256:0`);

describe("resolveYaml", () => {
  it("replaces values in many documents, and keeps every other character", async () => {
    const text = `# first: gcrane://./comment
apiVersion: v1 # image: gcrane://./comment
spec:
  containers:
    - image: gcrane://./services/api   # the api
      name: 'api'
    - name: web
      image: "gcrane://./web"
    - { name: flow, image: gcrane://./services/api, args: [gcrane://./web, '#x', gcrane://./a] }
---
kind: ConfigMap
data:
  script: |
    image: gcrane://./not-this
      # image: gcrane://./nor-this

    last: gcrane://./nor-that
  other: gcrane://./web
  list:
    - key: >-
        image: gcrane://./not-this
      image: gcrane://./a
  sentence: see gcrane://./docs for more
`;
    const built: string[] = [];
    const result = await resolveYaml(text, (directory) => (built.push(directory), image(directory)));
    const changed = text.split("\n").flatMap((line, i) =>
      result.split("\n")[i] === line ? [] : [result.split("\n")[i]]
    );
    assertEquals(changed, [
      "    - image: registry.example.com/services/api@sha256:0   # the api",
      '      image: "registry.example.com/web@sha256:0"',
      "    - { name: flow, image: registry.example.com/services/api@sha256:0, args: [registry.example.com/web@sha256:0, '#x', registry.example.com/a@sha256:0] }",
      "  other: registry.example.com/web@sha256:0",
      "      image: registry.example.com/a@sha256:0",
    ]);
    assertEquals(built.toSorted(), ["./a", "./services/api", "./web"]);
  });

  it("returns what has no such value as it is, also where it is not YAML", async () => {
    for (const text of ["", "a: {", "a: 1\r\n"]) assertEquals(await resolveYaml(text, image), text);
  });

  it("refuses a value in a form that it can't replace, and what is not YAML", async () => {
    const refused = async (text: string) =>
      (await assertRejects(() => resolveYaml(text, image, "a.yaml"), BuildError)).message;
    assertEquals(
      await refused('image: "gcrane:\\/\\/./api"\n#gcrane://\n'),
      "a.yaml has an image gcrane://… in a form that can't be replaced",
    );
    assertEquals(await refused("image: gcrane://\n"), "a.yaml has gcrane:// without a folder");
    assertEquals((await refused("image: gcrane://./a\n  b: {\n")).startsWith("a.yaml is not YAML: "), true);
  });
});
