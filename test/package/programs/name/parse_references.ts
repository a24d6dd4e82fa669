import { assertEquals, assertThrows } from "@std/assert";
import { NameError } from "@gcrane/gcrane";
import { parseReference, parseRepository, pullScope } from "@gcrane/gcrane/name";

/** Parses references as docker does. */
export default function (): Promise<void> {
  const { name, kind, repository } = parseReference("ubuntu");
  assertEquals([name, kind], ["index.docker.io/library/ubuntu:latest", "tag"]);
  assertEquals(pullScope(repository), "repository:library/ubuntu:pull");
  const { registry } = parseRepository("localhost:5000/team/app");
  assertEquals([registry.name, registry.schemes], ["localhost:5000", ["https", "http"]]);
  const digest = `sha256:${"a".repeat(64)}`;
  assertEquals(parseReference(`example.com/app:v1@${digest}`).identifier, digest);
  assertThrows(() => parseReference("example.com/App"), NameError, "App");
  return Promise.resolve();
}
