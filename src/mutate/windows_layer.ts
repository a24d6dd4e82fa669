import { TarError } from "../errors.ts";
import { type Layer, layerFromUncompressed, type LayerOptions, streamLayer } from "../image/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { cleanEntryPath, readTar, rewriteEntry, type TarWriteEntry } from "../tar/mod.ts";
import { tarOfEntries } from "./tar_of_entries.ts";

/** The directories of a Windows layer for files and for changes of the registry. */
const [FILES, HIVES] = ["Files", "Hives"];

/** The PAX record with a security descriptor, without which Windows does not run a file. */
const SECURITY_DESCRIPTOR = "MSWINDOWS.rawsd";

/** A self-relative descriptor with BUILTIN\Users as owner and group, as SDDL `O:BUG:BU`, in base64. */
const USERS = "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==";

/**
 * Converts a layer of plain files to one that Windows can unpack: the files are below `Files`, beside an empty `Hives`,
 * and belong to BUILTIN\Users. It is made when it is read; a streaming layer stays one.
 *
 * Reading it fails with a `TarError` when the layer is a Windows layer already.
 */
export async function windowsLayer(layer: Layer, options: LayerOptions = {}): Promise<Layer> {
  if (layer.content.once) return streamLayer(windowsTar(await layer.uncompressed()), options);
  return layerFromUncompressed({
    ...options,
    uncompressed: async (abort) => windowsTar(await layer.uncompressed(abort)),
  });
}

function windowsTar(tar: ByteStream): ByteStream {
  return tarOfEntries((signal) => windowsEntries(tar, signal));
}

async function* windowsEntries(
  tar: ByteStream,
  signal: AbortSignal,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  for (const path of [FILES, HIVES]) yield { path, type: "directory", mode: 0o555 };
  for await (const entry of readTar(tar, { signal })) {
    const path = cleanEntryPath(entry.path);
    if (path === "") continue;
    if ([FILES, HIVES].includes(path.split("/")[0])) {
      throw new TarError(`${path} in a layer for Windows is where Windows itself has its files`, {
        hint: "give the plain files; they are put below Files",
      });
    }
    const pax = new Map(entry.pax);
    // A record with the old name would have precedence over the new one.
    for (const name of ["path", "linkpath"]) pax.delete(name);
    yield rewriteEntry(entry, {
      path: `${FILES}/${path}`,
      // A hard link names a path in the archive, a symbolic one a path on the system that runs.
      linkname: entry.type === "link" ? `${FILES}/${cleanEntryPath(entry.linkname)}` : entry.linknameBytes,
      pax: [...pax, [SECURITY_DESCRIPTOR, USERS]],
    });
  }
}
