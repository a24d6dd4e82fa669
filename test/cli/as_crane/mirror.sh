# Mirrors the tags of a repository, then a missing one, and keeps what is there.
from=registry.example.com/upstream/tool
to=mirror.example.com/mirror/tool
mkdir -p files
for version in 1 2 3; do
  echo "$version" > files/version
  crane append -f <(tar -c -C files .) -t "$from:v$version" > /dev/null
done
crane copy --all-tags "$from" "$to"
diff <(crane ls "$from") <(crane ls "$to")
for tag in $(crane ls "$from"); do
  test "$(crane digest "$from:$tag")" = "$(crane digest "$to:$tag")"
done

# A tag of the mirror that differs stays with -n, and a new one comes.
crane tag "$to:v1" v3
crane tag "$from:v2" v4
crane cp -a -n -j 0 "$from" "$to" 2> kept.log
test "$(crane digest "$to:v3")" = "$(crane digest "$from:v1")"
test "$(crane digest "$to:v4")" = "$(crane digest "$from:v2")"
if crane copy -n "$from:v3" "$to:v3" 2> refused.log; then exit 1; fi
grep -q "$to:v3" refused.log
for tag in $(crane ls "$to"); do crane manifest "$to:$tag" | sha256sum; done | sort -u | wc -l
