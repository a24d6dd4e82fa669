// The images and indexes that both programs work on: their bytes, written here and not by what is tested.

import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Bytes } from "../../src/runtime/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";

export const docker = "application/vnd.docker.distribution.manifest.v2+json";
export const oci = "application/vnd.oci.image.manifest.v1+json";
export const dockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";

/** A manifest with what it needs in the repository. */
export interface Sample {
  readonly name: string;
  readonly mediaType: string;
  readonly manifest: Bytes;
  readonly blobs: readonly Bytes[];
  /** The manifests that an index names and that are there. */
  readonly children: readonly Sample[];
}

type Kind = "gzip" | "zstd" | "none";

interface LayerSample {
  readonly bytes: Bytes;
  readonly diffId: string;
  readonly kind: Kind;
  /** A media type of its own, and further fields of its descriptor. */
  readonly type?: string;
  readonly more?: string;
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The files of two layers, and of one that changes them. */
export async function tars(): Promise<Record<"first" | "second" | "third", Bytes>> {
  const file = (path: string, content: string) => ({ path, content: utf8(content), mtime: 1_600_000_000 });
  const folder = (path: string) => ({ path: `${path}/`, type: "directory" as const, mtime: 1_600_000_000 });
  const [first, second, third] = await Promise.all([
    [folder("etc"), file("etc/motd", "hello\n"), file("etc/old", "old\n"), file("bin", "x".repeat(2000))],
    [file("etc/.wh.old", ""), file("etc/new", "new\n")],
    [file("top", "top\n")],
  ].map((entries) => collect(writeTar(entries))));
  return { first, second, third };
}

export function stored(tar: Bytes, kind: Kind, more: Partial<LayerSample> = {}): LayerSample {
  const compress = { gzip: gzipSync, zstd: zstdCompressSync, none: (bytes: Bytes) => bytes }[kind];
  return { bytes: new Uint8Array(compress(tar)), diffId: sha256(tar), kind, ...more };
}

function layerType(family: string, kind: Kind): string {
  if (family === oci) {
    return `application/vnd.oci.image.layer.v1.tar${{ gzip: "+gzip", zstd: "+zstd", none: "" }[kind]}`;
  }
  const names = { gzip: "diff.tar.gzip", zstd: "diff.tar.zstd", none: "diff.tar" };
  return kind === "none"
    ? "application/vnd.docker.image.rootfs.diff.tar"
    : `application/vnd.docker.image.rootfs.${names[kind]}`;
}

interface ImageOptions {
  family?: string;
  layers?: readonly LayerSample[];
  /** Writes the config; gets the diff ids as JSON. */
  config?: (diffIds: string) => string;
  /** What follows the layers in the manifest. */
  more?: string;
  /** Rewrites the manifest. */
  manifest?: (text: string) => string;
  configType?: string;
}

const HISTORY = `[{"created":"2024-01-01T00:00:00Z","created_by":"first"},{"created":"2024-01-02T00:00:00Z",` +
  `"created_by":"second"},{"created_by":"env","empty_layer":true}]`;

/** A config as most builders write it. */
export function plainConfig(diffIds: string, platform = `"architecture":"amd64","os":"linux"`): string {
  return `{${platform},"created":"2024-01-02T03:04:05Z","config":{"Env":["PATH=/bin","A=1"],"Entrypoint":["/bin/app"],` +
    `"Cmd":["serve"],"Labels":{"b":"2","a":"1"}},"history":${HISTORY},"rootfs":{"type":"layers","diff_ids":${diffIds}}}`;
}

export function image(name: string, options: ImageOptions = {}): Sample {
  const { family = oci, layers = [], config = plainConfig, more = "", manifest = (text: string) => text } = options;
  const configBytes = utf8(config(JSON.stringify(layers.map(({ diffId }) => diffId))));
  const configType = options.configType ??
    (family === oci ? "application/vnd.oci.image.config.v1+json" : "application/vnd.docker.container.image.v1+json");
  const described = layers.map(({ bytes, kind, type, more = "" }) =>
    `{"mediaType":"${type ?? layerType(family, kind)}","size":${bytes.length},"digest":"${sha256(bytes)}"${more}}`
  );
  const text = manifest(
    `{"schemaVersion":2,"mediaType":"${family}","config":{"mediaType":"${configType}","size":${configBytes.length},` +
      `"digest":"${sha256(configBytes)}"},"layers":[${described.join(",")}]${more}}`,
  );
  return {
    name,
    mediaType: family,
    manifest: utf8(text),
    blobs: [configBytes, ...layers.map(({ bytes }) => bytes)],
    children: [],
  };
}

interface MemberOptions {
  platform?: string;
  more?: string;
}

interface IndexOptions {
  family?: string;
  members: readonly (readonly [Sample, MemberOptions?])[];
  /** The members whose manifests are not in the repository. */
  sparse?: readonly Sample[];
  more?: string;
}

export function index(name: string, { family = ociIndex, members, sparse = [], more = "" }: IndexOptions): Sample {
  const described = members.map(([{ mediaType, manifest }, { platform, more = "" } = {}]) =>
    `{"mediaType":"${mediaType}","size":${manifest.length},"digest":"${sha256(manifest)}"` +
    `${platform ? `,"platform":${platform}` : ""}${more}}`
  );
  const text = `{"schemaVersion":2,"mediaType":"${family}","manifests":[${described.join(",")}]${more}}`;
  const children = members.map(([child]) => child).filter((child) => !sparse.includes(child));
  return { name, mediaType: family, manifest: utf8(text), blobs: [], children };
}

/** All images and indexes. */
export async function samples(): Promise<{ images: Sample[]; indexes: Sample[]; bases: Sample[] }> {
  const { first, second, third } = await tars();
  const two = [stored(first, "gzip"), stored(second, "gzip")];
  const odd = (name: string, config: (diffIds: string) => string, more: ImageOptions = {}) =>
    image(name, { layers: two, config, ...more });
  const wrap = (fields: string) => (diffIds: string) =>
    `{"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05Z",${fields},"rootfs":{"type":"layers",` +
    `"diff_ids":${diffIds}}}`;
  const foreign = `,"urls":["https://example.com/layer"]`;
  const windows = (diffIds: string) =>
    plainConfig(diffIds, `"architecture":"amd64","os":"windows","os.version":"10.0.17763.1","os.features":["win32k"]`);
  const amd64 = image("amd64", { layers: two });
  const arm64 = image("arm64", {
    layers: [two[0]],
    config: (diffIds) => plainConfig(diffIds, `"architecture":"arm64","os":"linux","variant":"v8"`),
  });
  const dockerAmd64 = image("docker_amd64", { layers: two, family: docker });
  const attestation = image("attestation", {
    layers: [{
      ...stored(utf8(`{"_type":"https://in-toto.io/Statement/v0.1"}`), "none"),
      type: "application/vnd.in-toto+json",
      more: `,"annotations":{"in-toto.io/predicate-type":"https://spdx.dev/Document"}`,
    }],
    config: (diffIds) =>
      `{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":${diffIds}}}`,
  });
  const attested = `{"architecture":"unknown","os":"unknown"}`;
  const of = (sample: Sample) =>
    `,"annotations":{"vnd.docker.reference.digest":"${sha256(sample.manifest)}",` +
    `"vnd.docker.reference.type":"attestation-manifest"}`;
  const amd = `{"architecture":"amd64","os":"linux"}`;
  const arm = `{"architecture":"arm64","os":"linux","variant":"v8"}`;
  const plainIndex = index("oci_index", { members: [[amd64, { platform: amd }], [arm64, { platform: arm }]] });

  const images = [
    image("oci_gzip", { layers: two }),
    image("docker_gzip", { layers: two, family: docker }),
    image("oci_plain", { layers: [stored(first, "none"), stored(second, "none")] }),
    image("docker_plain", { layers: [stored(first, "none"), stored(second, "none")], family: docker }),
    image("oci_zstd", { layers: [stored(first, "zstd"), stored(second, "zstd")] }),
    image("docker_zstd", { layers: [stored(first, "zstd"), stored(second, "zstd")], family: docker }),
    image("oci_mixed", { layers: [stored(first, "zstd"), stored(second, "none"), stored(third, "gzip")] }),
    image("docker_mixed", { layers: [stored(first, "gzip"), stored(second, "none")], family: docker }),
    image("duplicate_layers", { layers: [two[0], two[1], two[0], two[1]] }),
    image("docker_duplicate_layers", { layers: [two[0], two[0]], family: docker }),
    image("empty_layers", {
      layers: [stored(new Uint8Array(1024), "gzip"), two[0], stored(new Uint8Array(1024), "gzip")],
    }),
    image("no_layers", { layers: [] }),
    image("docker_types_in_oci", {
      layers: [stored(first, "gzip", { type: layerType(docker, "gzip") }), two[1]],
      configType: "application/vnd.docker.container.image.v1+json",
    }),
    image("windows", {
      layers: [
        stored(first, "gzip", { type: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", more: foreign }),
        two[1],
      ]
        .map((layer, at) => at === 1 ? { ...layer, type: layerType(docker, "gzip") } : layer),
      family: docker,
      config: windows,
    }),
    image("oci_windows", {
      layers: [
        stored(first, "gzip", { type: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", more: foreign }),
        two[1],
      ],
      config: windows,
    }),
    image("annotated", {
      layers: [stored(first, "gzip", { more: `,"annotations":{"z":"1","a":"<&>"}` }), two[1]],
      more: `,"annotations":{"b":"2","a":"é\u2028","10":"ten","9":"nine"}`,
    }),
    image("untyped_manifest", { layers: two, manifest: (text) => text.replace(`"mediaType":"${oci}",`, "") }),
    image("spaced_manifest", { layers: two, manifest: (text) => JSON.stringify(JSON.parse(text), null, 3) }),
    image("reordered_manifest", {
      layers: two,
      manifest: (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse())),
    }),
    image("unknown_in_manifest", { layers: two, more: `,"x-unknown":{"b":1,"a":1.50}` }),
    image("artifact", {
      layers: [{ ...stored(utf8("text"), "none"), type: "text/plain" }],
      config: () => `{"x":1}`,
      configType: "application/vnd.example.config+json",
      more: `,"annotations":{"a":"1"}`,
    }),
    image("with_subject", {
      layers: two,
      more: `,"subject":{"mediaType":"${oci}","size":${amd64.manifest.length},"digest":"${sha256(amd64.manifest)}"}`,
    }),
    odd(
      "unknown_fields",
      (diffIds) =>
        `{"zzz":{"b":1,"a":[true]},"architecture":"amd64","os":"linux","moby.buildkit.cache.v0":"eyJ4Ijoi","config":` +
        `{"Env":["A=1"],"StopTimeout":10,"Memory":0},"history":[{"created_by":"x","extra":1},{"created_by":"y"}],` +
        `"rootfs":{"type":"layers","diff_ids":${diffIds}}}`,
    ),
    odd(
      "other_order",
      (diffIds) =>
        `{"rootfs":{"diff_ids":${diffIds},"type":"layers"},"os":"linux","history":[{"created_by":"x","created":` +
        `"2024-01-02T03:04:05Z"},{"comment":"c","created_by":"y","author":"z"}],"config":{"WorkingDir":"/w","Labels":` +
        `{"z":"1","a":"2","B":"3","10":"4","9":"5","é":"6","\u{1f600}":"7","\uffee":"8"},"Cmd":["c"],"User":"u"},` +
        `"author":"me","architecture":"amd64","container":"c","docker_version":"1.2"}`,
    ),
    odd("spaces", (diffIds) => JSON.stringify(JSON.parse(plainConfig(diffIds)), null, "\t") + "\n"),
    odd(
      "escapes",
      wrap(
        `"author":"<a>&b \\u00e9 \\u2028 \\u2029 \\ud83d\\ude00 \\/ \\b\\f\\u0001\\u007f \\"q\\" \\\\ \\u003c",` +
          `"config":{"Labels":{"<k>":"&v\\u2028","tab\\t":"\\r\\n"},"Env":["A=<b>&c"],"Cmd":["\\u0000\\u001f"]},` +
          `"history":[{"created_by":"/bin/sh -c a && b > c"},{"created_by":"é"}]`,
      ),
    ),
    odd("lone_surrogates", wrap(`"author":"\\ud800 and \\udc00","config":{"Env":["A=\\udfff"]}`)),
    odd(
      "nulls",
      wrap(
        `"config":{"Env":null,"Cmd":null,"Entrypoint":null,"Labels":null,"Volumes":null,"ExposedPorts":null,"OnBuild":null,` +
          `"Healthcheck":null,"Shell":null,"User":null},"author":null,"history":null,"variant":null,"os.features":null`,
      ),
    ),
    odd("null_config", wrap(`"config":null`)),
    odd(
      "empty_values",
      wrap(
        `"author":"","container":"","docker_version":"","variant":"","os.version":"","os.features":[],"history":[],` +
          `"config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"Tty":false,"Env":[],"Cmd":[],"Image":"",` +
          `"Volumes":{},"WorkingDir":"","Entrypoint":[],"OnBuild":[],"Labels":{},"ExposedPorts":{},"StopSignal":"","Shell":[]}`,
      ),
    ),
    odd(
      "docker_built",
      wrap(
        `"container":"0123","container_config":{"Hostname":"h"},"docker_version":"20.10.7","config":{"Hostname":"h",` +
          `"Domainname":"","User":"1000","AttachStdin":true,"ExposedPorts":{"80/tcp":{},"443/tcp":{}},"Tty":true,"OpenStdin":` +
          `true,"StdinOnce":true,"Env":["A=1"],"Cmd":["c"],"Healthcheck":{"Test":["CMD","x"],"Interval":30000000000,` +
          `"Timeout":5000000000,"StartPeriod":1,"Retries":3},"ArgsEscaped":true,"Image":"sha256:12","Volumes":{"/v":{},` +
          `"/a":{}},"WorkingDir":"/","Entrypoint":["e"],"NetworkDisabled":true,"MacAddress":"0:0","OnBuild":["RUN x"],` +
          `"Labels":{"l":"1"},"StopSignal":"SIGINT","Shell":["/bin/sh"]},"history":[{"created":"2024-01-02T03:04:05Z",` +
          `"created_by":"a"},{"created":"2024-01-02T03:04:05Z","created_by":"b","comment":"c","author":"d"},` +
          `{"created_by":"e","empty_layer":true}]`,
      ),
      { family: docker },
    ),
    odd("without_created", (diffIds) => plainConfig(diffIds).replace(`"created":"2024-01-02T03:04:05Z",`, "")),
    odd(
      "without_config",
      (diffIds) => `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":${diffIds}}}`,
    ),
    odd("without_history", wrap(`"config":{"Cmd":["c"]}`)),
    odd(
      "times",
      (diffIds) =>
        plainConfig(diffIds).replace("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.120000000+02:00")
          .replace("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000Z"),
    ),
    odd("year_one", (diffIds) => plainConfig(diffIds).replaceAll(/2024-01-0\d/g, "0001-01-01")),
    odd(
      "big_numbers",
      wrap(
        `"config":{"Healthcheck":{"Interval":9223372036854775807,"Retries":3}},"x-big":12345678901234567890,` +
          `"x-float":1.50,"x-exponent":1E400`,
      ),
    ),
    odd(
      "other_case",
      (diffIds) =>
        `{"Architecture":"amd64","OS":"linux","Created":"2024-01-02T03:04:05Z","Config":{"env":["A=1"],"CMD":["c"],` +
        `"labels":{"A":"1","a":"2"}},"History":[{"Created_By":"x"},{"CREATED_BY":"y"}],"RootFS":{"Type":"layers",` +
        `"Diff_IDs":${diffIds}}}`,
    ),
    odd(
      "duplicate_keys",
      wrap(
        `"author":"one","author":"two","config":{"Cmd":["1"]},"config":{"User":"u"}`,
      ),
    ),
    odd(
      "prototype_keys",
      wrap(
        `"config":{"Labels":{"__proto__":"p","constructor":"c","toString":"t"},"__proto__":{"x":1}},"__proto__":{"y":2}`,
      ),
    ),
    odd("variant", (diffIds) => plainConfig(diffIds, `"architecture":"arm","os":"linux","variant":"v7"`)),
  ];
  const indexes = [
    plainIndex,
    index("docker_list", {
      family: dockerList,
      members: [[dockerAmd64, { platform: amd }], [
        image("docker_arm64", {
          layers: [two[0]],
          family: docker,
          config: (diffIds) => plainConfig(diffIds, `"architecture":"arm64","os":"linux"`),
        }),
        { platform: `{"architecture":"arm64","os":"linux"}` },
      ]],
    }),
    index("attested_index", {
      members: [[amd64, { platform: amd }], [arm64, { platform: arm }], [attestation, {
        platform: attested,
        more: of(amd64),
      }]],
    }),
    index("nested_index", {
      members: [[plainIndex], [image("third", { layers: [stored(third, "gzip")] }), { platform: amd }]],
    }),
    index("sparse_index", { members: [[amd64, { platform: amd }], [arm64, { platform: arm }]], sparse: [arm64] }),
    index("annotated_index", {
      members: [[amd64, { platform: amd, more: `,"annotations":{"z":"1","a":"<"}` }], [arm64, { platform: arm }]],
      more: `,"annotations":{"b":"2","a":"&"},"subject":{"mediaType":"${oci}","size":${amd64.manifest.length},` +
        `"digest":"${sha256(amd64.manifest)}"}`,
    }),
    index("index_without_platforms", { members: [[amd64], [arm64]] }),
    index("mixed_index", {
      members: [[dockerAmd64, { platform: amd }], [arm64, {
        platform: `{"os.features":["f"],"variant":"v8","os":"linux","architecture":"arm64","os.version":"1"}`,
      }]],
    }),
    index("unknown_in_index", {
      members: [[amd64, { platform: amd, more: `,"x-more":1` }]],
      more: `,"x-extra":[1,2.0]`,
    }),
    index("empty_index", { members: [] }),
    untyped(plainIndex),
  ];
  const bases = [
    image("base_old", { layers: [two[0]], config: (diffIds) => baseConfig(diffIds, "first") }),
    image("base_new", { layers: [stored(third, "gzip")], config: (diffIds) => baseConfig(diffIds, "newer") }),
  ];
  return { images, indexes, bases };
}

/** An index whose type only the registry has. */
function untyped(index: Sample): Sample {
  const text = new TextDecoder().decode(index.manifest).replace(/"mediaType":"[^"]*index[^"]*",/, "");
  return { ...index, name: "untyped_index", manifest: utf8(text) };
}

function baseConfig(diffIds: string, step: string): string {
  return `{"architecture":"amd64","os":"linux","created":"2023-01-01T00:00:00Z","config":{"Env":["BASE=1"]},"history":` +
    `[{"created":"2023-01-01T00:00:00Z","created_by":"${step}"}],"rootfs":{"type":"layers","diff_ids":${diffIds}}}`;
}
