# Cuts a release: what was tested by digest gets the tags of the version, and a tarball for those offline.
repo=registry.example.com/product/app
mkdir -p rootfs/bin && printf '#!/bin/sh\necho hi\n' > rootfs/bin/app && chmod +x rootfs/bin/app
candidate=$(crane mutate "$(crane append -f <(tar -c -C rootfs .) -t "$repo:candidate")" \
  --entrypoint=/bin/app --env=MODE=production,a --user=1000 --workdir=/bin --exposed-ports=8080/tcp,9090/tcp \
  --annotation org.opencontainers.image.version=1.4.2,org.opencontainers.image.vendor=Example \
  -l version=1.4.2,channel=stable)
crane validate --remote "$candidate" --fast

version=1.4.2
if crane manifest "$repo:v$version" > /dev/null 2>&1; then
  echo "v$version exists" >&2
  exit 1
fi
crane cp "$candidate" "$repo:v$version"
for tag in v1.4 v1 latest; do crane tag "$repo:v$version" "$tag"; done
crane pull "$repo:v$version" release.tar
crane validate --tarball release.tar
crane push release.tar "$repo:again" > again.txt
crane digest --tarball release.tar
test "$(crane config "$repo:latest")" = "$(crane config "$candidate")"
crane config "$repo:latest" | grep -o '"User":"1000"'
crane delete "$repo:candidate"
crane ls -O "$repo" | tr '\n' ' '
