import { assertEquals, assertRejects } from "@std/assert";
import { HttpError } from "@gcrane/gcrane";
import { basic } from "@gcrane/gcrane/authn";
import { digest, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { createRegistry, tokenAccess } from "@gcrane/gcrane/registry";

/** Serves a registry with users and rules. */
export default async function (): Promise<void> {
  const access = tokenAccess({
    users: { ann: "secret", bob: "word" },
    rules: [
      { user: "ann", repository: "*", actions: ["pull", "push", "delete"] },
      { user: "bob", repository: "*", actions: ["pull"] },
    ],
  });
  const { fetch } = createRegistry({ access });
  const as = (user: string, password: string) => ({
    fetch,
    keychain: { resolve: () => Promise.resolve(basic(user, password)) },
  });
  const image = randomImage({ seed: 1 });
  await push(image, "registry.example.com/app:v1", as("ann", "secret"));
  assertEquals(await digest("registry.example.com/app:v1", as("bob", "word")), await image.digest());
  await assertRejects(() => push(image, "registry.example.com/app:v2", as("bob", "word")), HttpError);
}
