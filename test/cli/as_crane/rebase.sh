# Moves every app on a base with a vulnerability to the patched one, as a platform's nightly job does.
repo=registry.example.com/platform
mkdir -p base patched app
echo vulnerable > base/libssl.so
echo patched > patched/libssl.so
printf '#!/bin/sh\n' > app/run

crane append -f <(tar -c -C base .) -t "$repo/base:1" > base.txt
crane append -f <(tar -c -C patched .) -t "$repo/base:2" > patched.txt
crane append -b "$(cat base.txt)" -f <(tar -c -C app .) -t "$repo/app:latest"
crane mutate "$repo/app:latest" --entrypoint=/run --label team=web > configured.txt
# Without -t the tag has moved to what mutate printed.
test "$(crane digest --full-ref "$repo/app:latest")" = "$(cat configured.txt)"

rebased=$(crane rebase "$repo/app:latest" \
  --old_base="$(cat base.txt)" \
  --new_base="$repo/base:2" \
  --tag="$repo/app:rebased")
test "$(crane export "$rebased" - | tar -xO libssl.so)" = patched
test "$(crane export "$repo/app:latest" - | tar -xO libssl.so)" = vulnerable
crane validate --remote "$rebased"

# The hints of the result are enough for the next time, and the tag moves.
crane append -f <(tar -c -C app .) -t "$repo/base:2"
before=$(crane digest "$repo/app:rebased")
crane rebase "$repo/app:rebased" > /dev/null
test "$(crane digest "$repo/app:rebased")" != "$before"

# By digest, no tag moves.
before=$(crane digest "$repo/app:latest")
crane rebase "$repo/app@$before" --old_base "$(cat base.txt)" --new_base "$(cat patched.txt)" > by_digest.txt
grep -q "^$repo/app@sha256:" by_digest.txt
test "$(crane digest "$repo/app:latest")" = "$before"
crane ls "$repo/app" | sort | tr '\n' ' '
