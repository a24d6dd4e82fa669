import { type Image, type Layer, withDescriptor } from "../image/mod.ts";
import type { Descriptor, Manifest } from "../spec/mod.ts";

/**
 * What is known of the views that are made here before the digests of their layers are. To ask for a manifest or a
 * descriptor is to compress layers; who edits further needs neither, and would throw that work away.
 */
const outlines = new WeakMap<Image, () => Promise<Manifest>>();
const annotations = new WeakMap<Layer, () => Promise<Descriptor["annotations"]>>();

/** The manifest of an image, in which config and layers need not be right. */
export async function outlineOf(image: Image): Promise<Manifest> {
  return await (outlines.get(image) ?? image.manifest)();
}

/** The same image, with an outline that needs no digest. */
export function withOutline(image: Image, outline: () => Promise<Manifest>): Image {
  outlines.set(image, outline);
  return image;
}

/** What is said of a layer. */
export async function annotationsOf(layer: Layer): Promise<Descriptor["annotations"]> {
  const known = annotations.get(layer);
  return known ? await known() : (await layer.descriptor()).annotations;
}

/** The same layer with another media type. */
export function retyped(layer: Layer, mediaType: string): Layer {
  return saying(withDescriptor(layer, { mediaType }), () => annotationsOf(layer));
}

/** A layer with some annotations beside those that its bytes give it, which are asked for when it is described. */
export function annotated(layer: Layer, said: () => Promise<Descriptor["annotations"]>): Layer {
  const descriptor: Layer["descriptor"] = async (options) => {
    const own = await layer.descriptor(options);
    const annotations = { ...await said(), ...own.annotations };
    return Object.keys(annotations).length > 0 ? { ...own, annotations } : own;
  };
  return saying({ ...layer, descriptor }, said);
}

function saying(layer: Layer, said: () => Promise<Descriptor["annotations"]>): Layer {
  annotations.set(layer, said);
  return layer;
}
