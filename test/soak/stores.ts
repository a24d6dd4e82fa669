import { fileStore, type RegistryStore, s3Store, type S3StoreOptions } from "../../src/registry/mod.ts";

/** Where the servers of the soak keep their content; it passes as JSON. */
export type StorePlace = { readonly disk: string } | { readonly s3: S3StoreOptions };

/** Opens the store of a place. */
export function openStore(place: StorePlace): RegistryStore {
  return "disk" in place ? fileStore(place.disk) : s3Store(place.s3);
}
