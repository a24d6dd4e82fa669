// The command lines that both programs run.

import type { Sample, samples } from "./samples.ts";

/**
 * One or more lines with one result. In the words, `{src}` is a source that neither program changes; `{own}` is a tag of
 * the same image for this program alone, `{own_name}` the tag's name; `{dst}` is where this program's results go, `{file}`
 * a path of its own; `{base}`, `{list}` and others are what `names` has.
 */
export interface Case {
  /** What the source is: the name of a sample. */
  readonly sample: string;
  readonly lines: readonly string[];
  /** Standard input, made of the config or the manifest. */
  readonly stdin?: { readonly of: "config" | "manifest" | "text"; readonly edit: (text: string) => string };
  /** Where the result is: `printed` by the last line, or these references. */
  readonly result: "printed" | readonly string[];
}

const printed = "printed";

/** What runs on each image. */
function onImage(sample: string): Case[] {
  const one = (line: string): Case => ({ sample, lines: [line], result: printed });
  return [
    one("append -b {src} -f {third.tar.gz} -t {dst}"),
    one("mutate {own}"),
    one("mutate {src} -l team=web -t {dst}"),
    one("mutate {src} -a note=<x> -t {dst}"),
    one("mutate {src} --cmd one,two -t {dst}"),
    one("mutate {src} --entrypoint /e -e A=2 -e B=3 -u 1000 -w /x --exposed-ports 80/tcp -t {dst}"),
    one("mutate {src} --set-platform linux/arm/v6 -t {dst}"),
    one("flatten {src} -t {dst}"),
    { sample, lines: ["copy {src} {dst}"], result: ["{dst}"] },
    { sample, lines: ["tag {own} {own_name}-2"], result: ["{own}-2"] },
    { sample, lines: ["pull {src} {file}", "push {file} {dst}"], result: printed },
    { sample, lines: ["pull --format=oci {src} {file}", "push {file} {dst}"], result: printed },
    {
      sample,
      lines: ["edit config {src} -t {dst}"],
      stdin: { of: "config", edit: (text) => text.replace(/^\{/, `{ "x-edited" : 1.0 ,`) },
      result: printed,
    },
    {
      sample,
      lines: ["edit manifest {own}"],
      stdin: { of: "manifest", edit: (text) => text.replace(/^\{/, `{ "x-edited" : 1.0 ,`) },
      result: printed,
    },
  ];
}

/** What runs on some images: each flag alone, and what is read from files. */
function onSomeImages(sample: string): Case[] {
  const one = (line: string, result: Case["result"] = printed): Case => ({ sample, lines: [line], result });
  return [
    one("append -b {src} -f {third.tar} -t {dst}"),
    one("append -b {src} -f {third.tar.zst} -t {dst}"),
    one("append -b {src} -f {second.tar.gz} -f {third.tar.gz} -t {dst}"),
    one("append -b {src} -f {second.tar.gz},{third.tar} -t {dst}"),
    one("append --base {src} --new_layer {third.tar.gz} --new_tag {dst} --set-base-image-annotations"),
    { sample, lines: ["append -b {src} -f {third.tar.gz} -t {dst} -o {file}", "push {file} {dst}"], result: printed },
    one("mutate {src} -a a=1,b=2 --annotation c=3 -t {dst}"),
    one("mutate {src} --label a=1,z=2 -l b=3 -t {dst}"),
    one("mutate {src} --env A=new --env PATH=/x -t {dst}"),
    one("mutate {src} --entrypoint a,b -t {dst}"),
    one("mutate {src} --entrypoint a --cmd b --cmd c -t {dst}"),
    one("mutate {src} --entrypoint '' -t {dst}"),
    one("mutate {src} --cmd '' -t {dst}"),
    one("mutate {src} --user nobody -t {dst}"),
    one("mutate {src} --user '' -t {dst}"),
    one("mutate {src} --workdir /srv -t {dst}"),
    one("mutate {src} --workdir '' -t {dst}"),
    one("mutate {src} --exposed-ports 80/tcp,90/udp --exposed-ports 443 -t {dst}"),
    one("mutate {src} --set-platform linux/arm64/v8 -t {dst}"),
    one("mutate {src} --set-platform windows/amd64:10.0.1 -t {dst}"),
    one("mutate {src} --append {third.tar.gz} -t {dst}"),
    one("mutate {src} --append {third.tar} --append {second.tar.gz} -l a=b -t {dst}"),
    one("mutate {src} -l a=b --repo {dst_repository}"),
    one("mutate {own} -l a=b"),
    { sample, lines: ["mutate {src} -l a=b -t {dst} -o {file}", "push {file} {dst}"], result: printed },
    one("flatten {own}"),
    one("copy -n {src} {dst}", ["{dst}"]),
    one("copy --no-clobber {src} {dst}", ["{dst}"]),
    one("copy -j 1 {src} {dst}", ["{dst}"]),
    one("copy --jobs 3 {src} {dst}", ["{dst}"]),
    one("copy -a {src_repository} {dst_repository}", ["{dst}"]),
    one("copy --all-tags -n {src_repository} {dst_repository}", ["{dst}"]),
    one("copy --platform linux/amd64 {src} {dst}", ["{dst}"]),
    one("copy --allow-nondistributable-artifacts {src} {dst}", ["{dst}"]),
    { sample, lines: ["pull --format=legacy {src} {file}", "push {file} {dst}"], result: printed },
    { sample, lines: ["pull --format=tarball -c {file}-cache {src} {file}", "push {file} {dst}"], result: printed },
    { sample, lines: ["pull --format=oci --annotate-ref {src} {file}", "push {file} {dst}"], result: printed },
    { sample, lines: ["pull --format=oci {src} {file}", "push --index {file} {dst}"], result: printed },
    { sample, lines: ["pull {src} {file}", "push --image-refs {file}-refs {file} {dst}"], result: printed },
    {
      sample,
      lines: ["edit config {own}"],
      stdin: { of: "config", edit: (text) => text.replace("amd64", "riscv64") },
      result: printed,
    },
    {
      sample,
      lines: ["edit manifest {src} -t {dst} -m application/vnd.oci.image.manifest.v1+json"],
      stdin: { of: "manifest", edit: (text) => `${text}\n` },
      result: printed,
    },
    {
      sample,
      lines: ["edit fs {src} -f etc/motd -t {dst}"],
      stdin: { of: "text", edit: () => "edited\n" },
      result: printed,
    },
  ];
}

/** What runs on images that are built on the old base. */
function onBased(sample: string): Case[] {
  const one = (line: string): Case => ({ sample, lines: [line], result: printed });
  return [
    one("rebase {src} --old_base {base_old} --new_base {base_new} -t {dst}"),
    one("rebase {src} --old_base {base_old} --new_base {base_old} -t {dst}"),
  ];
}

function onIndex(sample: string): Case[] {
  const one = (line: string, result: Case["result"] = printed): Case => ({ sample, lines: [line], result });
  return [
    one("copy {src} {dst}", ["{dst}"]),
    one("copy --platform linux/amd64 {src} {dst}", ["{dst}"]),
    one("tag {own} {own_name}-2", ["{own}-2"]),
    one("index append {src} -m {oci_gzip} -t {dst}"),
    one("index append {src} -m {docker_gzip} -m {variant} -t {dst}"),
    one("index append {src} -m {oci_index} -t {dst}"),
    one("index append {src} --flatten=false -m {oci_index} -t {dst}"),
    one("index append {own} -m {oci_gzip}"),
    one("index append -m {src} -t {dst}"),
    one("index append --docker-empty-base -m {src} -t {dst}"),
    one("index append --flatten=false -m {src} -t {dst}"),
    one("index filter {src} --platform linux/amd64 -t {dst}"),
    one("index filter {src} --platform linux/amd64,linux/arm64 -t {dst}"),
    one("index filter {own} --platform linux/arm64"),
    one("flatten {src} -t {dst}"),
    one("flatten {src} --platform linux/amd64 -t {dst}"),
    one("mutate {src} --platform linux/amd64 -l a=b -t {dst}"),
    one("append -b {src} -f {third.tar.gz} --platform linux/amd64 -t {dst}"),
    one("rebase {src} --platform linux/amd64 --old_base {base_old} --new_base {base_new} -t {dst}"),
    { sample, lines: ["pull --platform linux/amd64 {src} {file}", "push {file} {dst}"], result: printed },
    { sample, lines: ["pull --format=oci {src} {file}", "push --index {file} {dst}"], result: printed },
    { sample, lines: ["pull --format=oci {src} {file}", "push {file} {dst}"], result: printed },
    {
      sample,
      lines: ["edit manifest {src} -t {dst}"],
      stdin: { of: "manifest", edit: (text) => text.replace(/^\{/, `{ "x-edited" : 1.0 ,`) },
      result: printed,
    },
  ];
}

/** What needs no source, or has one for itself. */
function once(): Case[] {
  const one = (line: string): Case => ({ sample: "oci_gzip", lines: [line], result: printed });
  return [
    one("append -f {third.tar.gz} -t {dst}"),
    one("append -f {third.tar} -t {dst}"),
    one("append -f {third.tar.zst} -t {dst}"),
    one("append --oci-empty-base -f {third.tar.gz} -t {dst}"),
    one("append --oci-empty-base -f {third.tar.zst} -t {dst}"),
    one("append --platform linux/arm64 -f {third.tar.gz} -t {dst}"),
    one("index append -m {oci_gzip} -m {variant} -m {docker_gzip} -t {dst}"),
    one("index append --docker-empty-base -m {oci_gzip} -t {dst}"),
    one("index append -m {windows} -m {oci_windows} -t {dst}"),
    one("index append -m {no_layers} -m {other_case} -t {dst}"),
    one("index append -m {oci_gzip} -m {oci_gzip} -t {dst}"),
    one("rebase --original {src} --old_base {base_old} --new_base {base_new} --rebased {dst}"),
    one("rebase {own} --old_base {base_old} --new_base {base_new}"),
    {
      sample: "oci_gzip",
      lines: [
        "rebase {src} --old_base {base_old} --new_base {base_new} -t {dst}",
        "rebase {dst} --new_base {base_new} -t {dst}-2",
      ],
      result: printed,
    },
    { sample: "oci_gzip", lines: ["pull {src} {docker_gzip} {file}", "push {file} {dst}"], result: [] },
  ];
}

const SOME = [
  "oci_gzip",
  "docker_gzip",
  "oci_zstd",
  "docker_built",
  "unknown_fields",
  "nulls",
  "other_case",
  "windows",
];

/** All cases. */
export function cases({ images, indexes }: Awaited<ReturnType<typeof samples>>): Case[] {
  const named = (list: readonly Sample[]) => list.map(({ name }) => name);
  const based = named(images).filter((name) => !/plain|zstd|mixed|empty_l|no_layers|windows/.test(name));
  return [
    ...named(images).flatMap(onImage),
    ...SOME.flatMap(onSomeImages),
    ...based.flatMap(onBased),
    ...named(indexes).flatMap(onIndex),
    ...once(),
  ];
}
