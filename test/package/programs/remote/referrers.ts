import { assertEquals } from "@std/assert";
import { push } from "@gcrane/gcrane/crane";
import { emptyImage, randomImage } from "@gcrane/gcrane/image";
import { editImage } from "@gcrane/gcrane/mutate";
import { Puller, Pusher } from "@gcrane/gcrane/remote";
import type { World } from "../world.ts";

/** Attaches an artifact to an image, and finds it. */
export default async function ({ repository }: World): Promise<void> {
  const image = randomImage({ seed: 1 });
  await push(image, `${repository}:v1`);
  const subject = await image.descriptor();
  const artifact = editImage(emptyImage(), {
    manifest: (extras) => ({ ...extras, subject, artifactType: "application/vnd.example.sbom" }),
  });
  const digest = await new Pusher().push(repository, artifact);
  const referrers = await new Puller().referrers(`${repository}@${subject.digest}`);
  const [found] = (await referrers.manifest()).manifests;
  assertEquals([found.digest, found.artifactType], [digest, "application/vnd.example.sbom"]);
}
