# Builds an image for two platforms, and reduces another to them.
repo=registry.example.com/multi
mkdir -p site && echo hello > site/index.html
for arch in amd64 arm64 s390x; do
  built=$(crane append -f <(tar -c -C site .) -t "$repo/app-$arch:v1")
  crane mutate "$built" --set-platform "linux/$arch" -t "$repo/app-$arch:v1" > /dev/null
done

crane index append -m "$repo/app-amd64:v1" -m "$repo/app-arm64:v1" -t "$repo/app:v1" > index.txt
test "$(crane digest --full-ref "$repo/app:v1")" = "$(cat index.txt)"
test "$(crane index list "$repo/app:v1" | tail -n +2 | wc -l)" -eq 2
test "$(crane digest "$repo/app:v1" --platform linux/arm64)" = "$(crane digest "$repo/app-arm64:v1")"

# In place: a third platform comes, two go.
crane index append "$repo/app:v1" -m "$repo/app-s390x:v1" > /dev/null
test "$(crane index list "$repo/app:v1" | tail -n +2 | wc -l)" -eq 3
crane index filter "$repo/app:v1" --platform linux/s390x > /dev/null
crane index list "$repo/app:v1" | tail -n +2 | awk '{ print $3 }'
crane flatten "$repo/app:v1" > flat.txt
test "$(crane digest --full-ref "$repo/app:v1")" = "$(cat flat.txt)"
crane pull --format=oci "$repo/app:v1" layout
crane push layout --index "$repo/copy:v1" --image-refs refs.txt
cmp -s refs.txt <(crane digest --full-ref "$repo/copy:v1")
