# Serves a registry for the length of a test, on a port that the system chooses.
crane registry serve --address 127.0.0.1:0 --disk "$PWD/blobs" 2> serve.log &
server=$!
trap 'kill "$server" 2> /dev/null || true; wait "$server" || true' EXIT
for _ in $(seq 200); do
  grep -q 'http://' serve.log && break
  sleep 0.1
done
registry=$(grep -o '127\.0\.0\.1:[0-9]*' serve.log | head -n 1)

crane auth login "$registry" -u me -p secret 2> login.log
echo "$registry" | crane auth get > credentials.json
grep -q '"Username":"me"' credentials.json
crane auth logout "$registry" 2> /dev/null
mkdir -p files && echo content > files/a
crane append -f <(tar -c -C files .) -t "$registry/team/app:v1"
crane cp "$registry/team/app:v1" "$registry/team/other:v1"
crane tag "$registry/team/app:v1" v2
crane catalog "$registry" | tr '\n' ' '
crane ls "$registry/team/app" | tr '\n' ' '
crane delete "$registry/team/app:v2"
crane ls --full-ref "$registry/team/app" | sed 's/^[^/]*//'
blob=$(crane manifest "$registry/team/app:v1" | grep -o 'sha256:[0-9a-f]*' | tail -n 1)
crane blob "$registry/team/app@$blob" | gunzip | tar -xO ./a
