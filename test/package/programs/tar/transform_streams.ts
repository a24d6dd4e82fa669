import { assertEquals } from "@std/assert";
import { TarStream, type TarStreamInput, UntarStream } from "@gcrane/gcrane/tar";
import { encode } from "../contents.ts";

/** Writes and reads an archive with transform streams, compressed on the way. */
export default async function (): Promise<void> {
  const content = encode("hello");
  const inputs: TarStreamInput[] = [
    { type: "directory", path: "etc" },
    { type: "file", path: "etc/motd", size: content.length, readable: new Blob([content]).stream() },
  ];
  const archive = new TarStream();
  const writer = archive.writable.getWriter();
  const written = Promise.all([...inputs.map((input) => writer.write(input)), writer.close()]);
  const compressed = await new Response(archive.readable.pipeThrough(new CompressionStream("gzip"))).blob();
  await written;
  const texts: string[] = [];
  const entries = compressed.stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(new UntarStream());
  for await (const { path, readable } of entries) texts.push(`${path}: ${await new Response(readable).text()}`);
  assertEquals(texts, ["etc: ", "etc/motd: hello"]);
}
