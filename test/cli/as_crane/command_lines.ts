/** A command line of crane's documentation, and what comes. */
export interface DocumentedLine {
  /** The line, as it is typed. */
  readonly line: string;
  /** The exit code. @default 0 */
  readonly code?: number;
  /** What standard output matches. @default empty */
  readonly out?: RegExp;
  /** What standard error matches. @default empty */
  readonly err?: RegExp;
}

const pushed = (repository: string) => new RegExp(`^\\S*${repository}@sha256:[0-9a-f]{64}\\n$`);
const DIGEST = /^sha256:[0-9a-f]{64}\n$/;
const PLATFORM_ROW = /^\S+ +\S+ +linux\/\w+\n$/m;
const USAGE = /^(?:[^\n]+\n+)?Usage: crane/;

/** Lines of the recipes, of the page on rebase, and of the commands' pages; digests are those of this registry. */
export const LINES: readonly DocumentedLine[] = [
  // The recipes.
  { line: "crane export ubuntu - | tar -tvf - | grep -c passwd", out: /^1\n$/ },
  { line: "crane export ubuntu - | tar -Oxf - etc/passwd", out: /^root:/ },
  { line: "crane append -f <(tar -f - -c some-dir/) -t example.com/bundle:v1", out: pushed("example.com/bundle") },
  {
    line: "crane append -b ubuntu:amd64 -f <(tar -f - -c some-dir/) -t example.com/bundle:on-base",
    out: pushed("example.com/bundle"),
  },
  { line: "crane mutate example.com/bundle:v1 --entrypoint=some-dir/entrypoint.sh", out: pushed("example.com/bundle") },
  { line: "crane config example.com/bundle:v1 | jq -c .config.Entrypoint", out: /^\["some-dir\/entrypoint.sh"\]\n$/ },
  {
    line:
      "crane mutate $(crane append -f <(tar -f - -c some-dir/) -t example.com/chain) --entrypoint=some-dir/entrypoint.sh",
    out: pushed("example.com/chain"),
  },
  { line: "crane config example.com/chain | jq -c .config.Entrypoint", out: /^null\n$/ },
  { line: "diff <(crane config busybox:1.32 | jq) <(crane config busybox:1.33 | jq)", code: 1, out: /^[<>] /m },
  { line: "diff <(crane manifest busybox:1.32 | jq) <(crane manifest busybox:1.33 | jq)", code: 1, out: /^[<>] /m },
  {
    line: "diff <(crane export gcr.io/kaniko-project/executor:v1.6.0-debug - | tar -tvf - | sort) " +
      "<(crane export gcr.io/kaniko-project/executor:v1.7.0-debug - | tar -tvf - | sort)",
    code: 1,
    out: /executor/,
  },
  {
    line: "crane manifest gcr.io/buildpacks/builder:v1 | jq '.config.size + ([.layers[].size] | add)'",
    out: /^\d+\n$/,
  },
  {
    line:
      "crane manifest gcr.io/buildpacks/builder:v1 | jq '.config.size + ([.layers[].size] | add)' | numfmt --to=iec",
    out: /^[\d.]+K?\n$/,
  },
  {
    line: "crane manifest --platform linux/arm64 ubuntu | jq '.config.size + ([.layers[].size] | add)'",
    out: /^\d+\n$/,
  },
  {
    line: "crane index filter ubuntu --platform linux/amd64 --platform linux/arm64 -t example.com/filtered",
    out: pushed("example.com/filtered"),
  },
  { line: "crane index list example.com/filtered | tail -n +2 | wc -l", out: /^2\n$/ },
  {
    line:
      "crane index append -t example.com/scratch \\\n  -m ubuntu@$(crane digest ubuntu --platform linux/amd64) \\\n" +
      "  -m ubuntu@$(crane digest ubuntu --platform linux/arm64)",
    out: pushed("example.com/scratch"),
  },
  // The page on rebase.
  {
    line: "crane rebase my-app:latest \\\n  --old_base=ubuntu@$(crane digest ubuntu:amd64) \\\n" +
      "  --new_base=ubuntu:patched \\\n  --tag=my-app:rebased",
    out: pushed("my-app"),
  },
  { line: "crane rebase my-app:rebased", out: pushed("my-app") },
  { line: "crane rebase my-app@$(crane digest my-app:rebased) --new_base=ubuntu:patched", out: pushed("my-app") },
  {
    line:
      "crane rebase --original my-app:latest --old_base ubuntu:amd64 --new_base ubuntu:patched --rebased my-app:old",
    out: pushed("my-app"),
  },
  {
    line: "crane append --base ubuntu:amd64 --new_layer layer.tar --new_tag my-app:hinted --set-base-image-annotations",
    out: pushed("my-app"),
  },
  { line: "crane rebase my-app:hinted", out: pushed("my-app") },
  // The command itself.
  { line: "crane", out: USAGE },
  { line: "crane --help", out: USAGE },
  { line: "crane help", out: USAGE },
  { line: "crane version", out: /^\S+\n$/ },
  { line: "crane -v digest ubuntu", out: DIGEST, err: /HEAD https:\/\/index\.docker\.io/ },
  { line: "crane --insecure digest ubuntu", out: DIGEST },
  { line: "crane --platform linux/arm64 digest ubuntu", out: DIGEST },
  { line: "crane digest ubuntu --platform=linux/arm64", out: DIGEST },
  { line: "crane --allow-nondistributable-artifacts copy ubuntu example.com/nd", out: /^$/ },
  // append
  { line: "crane append -f layer.tar -t example.com/append:1", out: pushed("example.com/append") },
  { line: "crane append -f layer.tar -f layer.tar.gz -t example.com/append:2", out: pushed("example.com/append") },
  { line: "crane append -f layer.tar,layer.tar.gz -t example.com/append:3", out: pushed("example.com/append") },
  { line: "crane append --oci-empty-base -f layer.tar -t example.com/append:4", out: pushed("example.com/append") },
  { line: "crane append -f layer.tar -t example.com/append:5 -o out.tar", out: /^$/ },
  { line: "crane append -t example.com/append:6", code: 2, err: /^Error: no layer is given — name one with -f\n/ },
  // auth; the registry here issues no tokens, as some do.
  { line: "crane auth", out: USAGE },
  {
    line: "crane auth login reg.example.com -u AzureDiamond -p hunter2",
    err: /^Warning: every process [^\n]+\nWarning: [^\n]+ asks for no credentials[^\n]+\nWarning: the password is in /,
  },
  { line: "echo hunter2 | crane auth login reg.example.com -u AzureDiamond --password-stdin", err: /^Warning: / },
  { line: 'echo "reg.example.com" | crane auth get', out: /^\{"Username":"AzureDiamond","Secret":"hunter2"\}\n$/ },
  { line: "crane auth get reg.example.com", out: /^\{"Username":"AzureDiamond","Secret":"hunter2"\}\n$/ },
  { line: "crane auth logout reg.example.com", err: /./ },
  {
    line: "crane auth get reg.example.com",
    code: 1,
    out: /^credentials not found in native keychain\n$/,
  },
  {
    line: "crane auth token -H --push --mount debian ubuntu",
    code: 1,
    err: /^Error: the registry of ubuntu issues no tokens — /,
  },
  { line: "crane auth token ubuntu", code: 1, err: /^Error: the registry of ubuntu issues no tokens — / },
  // blob, catalog, config
  {
    line:
      "crane blob ubuntu@$(crane manifest ubuntu:amd64 | jq -r '.layers[0].digest') > blob.tar.gz; gunzip -t blob.tar.gz",
  },
  { line: "crane blob ubuntu", code: 2, err: /^Error: ubuntu names no blob: a blob has a digest — write / },
  { line: "crane catalog example.com | head -n 1", out: /^\S+\n$/ },
  { line: "crane catalog example.com --full-ref | head -n 1", out: /^example\.com\/\S+\n$/ },
  { line: "crane config ubuntu | jq -r .architecture", out: /^amd64\n$/ },
  { line: "crane config ubuntu --platform linux/arm64 | jq -r .architecture", out: /^arm64\n$/ },
  // copy
  { line: "crane copy ubuntu example.com/copied" },
  { line: "crane cp ubuntu:amd64 example.com/copied:amd64" },
  { line: "crane cp busybox example.com/all -a" },
  { line: "crane copy --all-tags --jobs 2 busybox example.com/all" },
  { line: "crane copy -j 0 busybox:1.32 example.com/all:jobs" },
  {
    line: "crane copy -a -n busybox example.com/all",
    err: /^copied 0 tags, 0 tags were there already, kept 2 tags\n$/,
  },
  { line: "crane copy --no-clobber busybox:1.33 example.com/all:1.32", code: 1, err: /example\.com\/all:1\.32 exists/ },
  { line: "crane copy --platform linux/arm64 ubuntu example.com/copied:arm64" },
  { line: "crane config example.com/copied:arm64 | jq -r .architecture", out: /^arm64\n$/ },
  // delete, digest
  { line: "crane delete example.com/all:jobs" },
  { line: "crane delete example.com/all:missing", code: 1, err: /^Error: [^\n]+404[^\n]+\n$/ },
  { line: "crane digest ubuntu", out: DIGEST },
  { line: "crane digest --full-ref busybox:1.32", out: pushed("busybox") },
  { line: "crane digest --tarball out.tar", out: DIGEST },
  { line: "crane digest --tarball out.tar example.com/append:5", out: DIGEST },
  { line: "crane digest", code: 2, err: /^Error: no image is given/ },
  { line: "crane digest --full-ref --tarball out.tar", code: 2, err: /^Error: --full-ref is for registries/ },
  // export
  { line: "crane export ubuntu - > ubuntu.tar; tar -tf ubuntu.tar", out: /^etc\/passwd\n$/ },
  { line: "crane export ubuntu ubuntu.tar" },
  { line: "crane pull ubuntu:amd64 image.tar" },
  { line: "crane export - exported.tar < image.tar; tar -tf exported.tar", out: /^etc\/passwd\n$/ },
  { line: "crane export ubuntu --platform linux/arm64 - | tar -tf -", out: /^etc\/passwd\n$/ },
  // flatten
  { line: "crane flatten my-app:hinted", out: pushed("my-app") },
  { line: "crane manifest my-app:hinted | jq '.layers | length'", out: /^1\n$/ },
  { line: "crane flatten my-app:latest -t my-app:flat", out: pushed("my-app") },
  { line: "crane flatten ubuntu -t example.com/flat:ubuntu", out: pushed("example.com/flat") },
  // index
  { line: "crane index", out: USAGE },
  {
    line: "crane index append ubuntu -m hello-world@$(crane digest hello-world) -t example.com/hello-world:weird",
    out: pushed("example.com/hello-world"),
  },
  {
    line:
      "crane index append -m registry.k8s.io/etcd-amd64:3.4.9 -m registry.k8s.io/etcd-arm64:3.4.9 -t example.com/etcd",
    out: pushed("example.com/etcd"),
  },
  {
    line: "crane index append --docker-empty-base -m registry.k8s.io/etcd-amd64:3.4.9 -t example.com/etcd:docker",
    out: pushed("example.com/etcd"),
  },
  {
    line: "crane index append ubuntu --flatten=false -m example.com/etcd -t example.com/nested",
    out: pushed("nested"),
  },
  {
    line: "crane index filter ubuntu --platform linux/amd64 --platform linux/arm64 -t example.com/ubuntu",
    out: pushed("example.com/ubuntu"),
  },
  { line: "crane index filter ubuntu --platform linux -t example.com/hello-world", out: pushed("hello-world") },
  { line: "crane index filter example.com/hello-world:weird --platform linux", out: pushed("hello-world") },
  { line: "crane index list example.com/hello-world:weird", out: PLATFORM_ROW },
  {
    line: "crane index list example.com/etcd | tail -n +2 | awk '{ print $3 }'",
    out: /^linux\/amd64\nlinux\/arm64\n$/,
  },
  // ls, manifest
  { line: "crane ls busybox", out: /^1\.32\n1\.33\n$/ },
  { line: "crane ls --full-ref busybox", out: /^\S*busybox:1\.32\n\S*busybox:1\.33\n$/ },
  { line: "crane ls -O my-app", out: /^flat\nhinted\nlatest\nold\nrebased\n$/ },
  { line: "crane ls --omit-digest-tags busybox | wc -l", out: /^2\n$/ },
  { line: "crane manifest ubuntu | jq '.manifests | length'", out: /^3\n$/ },
  { line: "crane manifest ubuntu --platform linux/s390x | jq -r .schemaVersion", out: /^2\n$/ },
  { line: "crane manifest ubuntu --platform linux/mips", code: 1, err: /^Error: [^\n]+linux\/amd64[^\n]+\n$/ },
  // mutate
  { line: "crane mutate my-app:flat -a key=value --annotation a=b,c=d", out: pushed("my-app") },
  { line: "crane manifest my-app:flat | jq -c .annotations", out: /"a":"b","c":"d","key":"value"/ },
  { line: "crane mutate my-app:flat -l key=value --label a=b,c=d", out: pushed("my-app") },
  { line: "crane mutate my-app:flat -e A=1 --env B=2,3", out: pushed("my-app") },
  { line: "crane config my-app:flat | jq -c .config.Env", out: /^\["A=1","B=2,3"\]\n$/ },
  { line: "crane mutate my-app:flat --cmd serve,--port=80 --entrypoint /bin/app", out: pushed("my-app") },
  { line: "crane config my-app:flat | jq -c '[.config.Entrypoint, .config.Cmd]'", out: /serve","--port=80/ },
  { line: "crane mutate my-app:flat --exposed-ports 80/tcp,443/tcp -u 1000:1000 -w /srv", out: pushed("my-app") },
  { line: "crane mutate my-app:flat --set-platform linux/arm64/v8 -t my-app:arm", out: pushed("my-app") },
  {
    line: "crane mutate my-app:flat --append layer.tar --repo example.com/elsewhere",
    out: pushed("example.com/elsewhere"),
  },
  { line: "crane ls example.com/elsewhere", out: /^$/ },
  { line: "crane mutate my-app:flat -l x=y -o mutated.tar", out: /^$/ },
  { line: "crane mutate my-app:flat --tag a:b --repo c", code: 2, err: /^Error: -t and --repo/ },
  // pull, push
  { line: "crane pull busybox:1.32 busybox:1.33 both.tar" },
  { line: "crane pull --format=legacy busybox:1.32 legacy.tar" },
  { line: "crane pull --format=oci --annotate-ref ubuntu layout" },
  { line: "crane pull -c cache busybox:1.32 cached.tar; ls cache | wc -l", out: /^\d+\n$/ },
  { line: "crane pull --cache_path cache --platform linux/arm64 ubuntu arm.tar" },
  { line: "crane push image.tar example.com/pushed:v1", out: pushed("example.com/pushed") },
  { line: "crane push layout example.com/pushed:layout", out: pushed("example.com/pushed") },
  { line: "crane push layout example.com/pushed:index --index --image-refs refs", out: pushed("example.com/pushed") },
  { line: "cat refs", out: pushed("example.com/pushed") },
  // registry, tag, validate
  { line: "crane registry", out: USAGE },
  { line: "crane registry serve --help", out: USAGE },
  { line: "crane cp registry.example.com/library/ubuntu:v0 registry.example.com/library/ubuntu:v1" },
  { line: "crane tag registry.example.com/library/ubuntu:v0 v1" },
  { line: "crane tag ubuntu v1" },
  { line: "crane validate --remote ubuntu", out: /^PASS: ubuntu\n$/ },
  { line: "crane validate --remote ubuntu --fast", out: /^PASS: ubuntu\n$/ },
  { line: "crane validate --tarball image.tar", out: /^PASS: image\.tar\n$/ },
  { line: "crane validate", code: 2, err: /^Error: no image to validate is given/ },
  // The commands of gcrane's page.
  { line: "gcrane ls busybox | grep -c ':1.3'", out: /^2\n$/ },
  { line: "gcrane cp -r example.com/all example.com/backup", err: /^copied 2 manifests and 2 tags/ },
  { line: "gcrane gc --grace 0s example.com/all", err: /./ },
];
