import { HttpError, NetworkError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { discard } from "../transport/mod.ts";
import { nextLocation } from "./blob_transfer.ts";
import type { Client } from "./client.ts";

/**
 * Opens and cancels an upload session to check the permission to push. @throws {HttpError} if the push is not allowed.
 */
export async function checkPush(client: Client, repository: Repository, options: AbortOptions = {}): Promise<void> {
  const answer = await client.request(repository, {
    method: "POST",
    to: "/blobs/uploads/",
    access: "push",
    expect: [202],
    signal: options.signal,
  });
  await discard(answer.response);
  await giveUp(client, repository, nextLocation(answer), options);
}

/** Cancels an upload session. The distribution-spec does not require that a registry supports this. */
async function giveUp(client: Client, repository: Repository, to: URL, { signal }: AbortOptions): Promise<void> {
  try {
    const { response } = await client.request(repository, {
      method: "DELETE",
      to,
      access: "push",
      expect: [200, 202, 204],
      repeatable: false,
      signal,
    });
    await discard(response);
  } catch (error) {
    if (!(error instanceof HttpError || error instanceof NetworkError)) throw error;
  }
}
