#!/usr/bin/env bash
# Builds the images and holds the stacks to what they promise, wherever there is a Docker Engine with its compose plugin:
#
#   tests/compose.sh              everything
#   tests/compose.sh --no-build   with the images that are there
#   tests/compose.sh --no-grafana without that part of monitoring, where its image cannot be had
#
# It brings each stack up from nothing under a name of its own, uploads and reads a document, and listens to it. Under a small
# load of uploads that are read at once (tests/compose/load.sh), bounded in number and time, it kills one replica of each service
# and one NATS node of the production stack: what was acknowledged must be read meanwhile, and be there in the end. Monitoring is
# laid over each: it must restart nothing, and see everything. The script takes down what it brought up, and asks only addresses on
# loopback. No process may be root's, and the services must know how much room the log has.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker compose version >/dev/null || ! docker info >/dev/null; then
  echo "a Docker Engine with its compose plugin is needed" >&2
  exit 1
fi
BUILD=yes GRAFANA=yes
for option; do
  case $option in
    --no-build) BUILD=no ;;
    --no-grafana) GRAFANA=no ;;
    *) echo "unknown option $option" >&2; exit 2 ;;
  esac
done
WORKERS=4 UPLOADS=400 PATIENCE=120
# On the machine's disk, where an engine can mount it from.
work=$(mktemp -d "$PWD/.compose-test.XXXXXX")
export SYNCBOARD_SECRETS=$work/secrets
export SYNCBOARD_HTTPS_PORT=18443 SYNCBOARD_COMMAND_PORT=18080 SYNCBOARD_QUERY_PORT=18081 SYNCBOARD_PROJECTOR_PORT=18082
export SYNCBOARD_NATS_PORT=14222 SYNCBOARD_POSTGRES_PORT=15432
export SYNCBOARD_PROMETHEUS_PORT=19090 SYNCBOARD_ALERTMANAGER_PORT=19093 SYNCBOARD_GRAFANA_PORT=13000
# Without what an image is missing for.
without=()
[ "$GRAFANA" = yes ] || { without=(--file "$work/without.yaml") && echo 'services: {grafana: {profiles: [never]}}' >"$work/without.yaml"; }
stack() { docker compose --project-name "syncboard-test-$1" --file "deploy/compose/$1.yaml" "${@:2}"; }
watched() { stack "$1" --file deploy/compose/monitoring.yaml "${without[@]}" "${@:2}"; }
finish() {
  local status=$?
  # Background jobs are those of this script alone.
  jobs -p | xargs -r kill 2>/dev/null || true
  for name in development production; do
    [ "$status" = 0 ] || watched "$name" logs --no-color --tail 6 2>/dev/null || true
    watched "$name" down --volumes --timeout 10 >/dev/null 2>&1 || true
  done
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

say() { printf '%s\n' "$*"; }
fail() { echo "failed: $*" >&2; exit 1; }
now() { date +%s%N; }
seconds_since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
# What is run: the commit, with a + where files differ from it, and when.
revision() { echo "commit $(git rev-parse --short HEAD || echo unknown)$([ -z "$(git status --porcelain)" ] || echo +), $(date +%F)"; }
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
JSON='content-type: application/json'

build() {
  local secret=() begun
  [ ! -s "${CARGO_CONFIG:-}" ] || secret=(--secret "id=cargo,src=$CARGO_CONFIG")
  for target in command-service query-service projector proxy; do
    begun=$(now)
    docker build --quiet "${secret[@]}" --build-arg "REVISION=$(git rev-parse HEAD)" \
      --target "$target" --tag "syncboard/$target" . >/dev/null
    say "built syncboard/$target in $(seconds_since "$begun") s"
  done
}

# What an image is allowed to be.
images() {
  local size user built
  for target in command-service query-service projector proxy; do
    size=$(docker image inspect --format '{{.Size}}' "syncboard/$target")
    built=$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "syncboard/$target")
    user=$(docker image inspect --format '{{.Config.User}}' "syncboard/$target")
    say "image syncboard/$target: $(awk -v n="$size" 'BEGIN { printf "%.1f", n / 1e6 }') MB, user $user, built of ${built:0:7}"
    [ "$user" = 65532:65532 ] || fail "$target runs as $user"
    [ "$target" = proxy ] || [ "$size" -le 25000000 ] || fail "$target is larger than 25 MB"
    [ "$target" = proxy ] || ! docker run --rm --entrypoint /bin/sh "syncboard/$target" -c true 2>/dev/null ||
      fail "$target has a shell"
  done
}

up() {
  local begun
  begun=$(now)
  stack "$1" up --detach --wait --wait-timeout 300 --no-build 2>"$work/up.log" || { cat "$work/up.log" >&2; fail "$1 does not come up"; }
  say "$1: healthy after $(seconds_since "$begun") s"
}

# curl with what every request needs; W and R are the addresses of writes and reads.
ask() { curl --silent --show-error --max-time 15 --cacert "$SYNCBOARD_SECRETS/tls.crt" "$@"; }

# No process of a stack is root's.
unprivileged() {
  local containers container processes
  mapfile -t containers < <(watched "$1" ps --quiet)
  [ "${#containers[@]}" -ge 6 ] || fail "$1: only ${#containers[@]} containers run"
  for container in "${containers[@]}"; do
    processes=$(docker top "$container" -o uid,pid,args)
    ! grep -E '^ *0 ' <<<"$processes" || fail "$1: that is root's"
  done
  say "$1: of ${#containers[@]} containers none runs as root"
}

# The log has room for so many GB, as a command-service says that was asked by the rest of the arguments.
roomy() {
  local left
  left=$("${@:2}" | sed -n 's/^syncboard_watermark_left_bytes{of="log_storage"} \([0-9]*\).*/\1/p')
  say "the log has room for ${left:-nobody knows how many} bytes"
  [ "${left:-0}" -gt $((($1 - 1) << 30)) ] && [ "$left" -le $(($1 << 30)) ] || fail "that is not the room of $1 GB"
}
# In production metrics are no business of the host; the proxy is where they can be asked for.
metrics() {
  stack production exec -T proxy bash -c \
    'exec 3<>/dev/tcp/command-service/8080 && printf "GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n" >&3 && cat <&3'
}

log_in() {
  local account='{"username":"ada","password":"correct horse battery"}'
  ask --fail --output /dev/null "$W/v1/accounts" -H "$JSON" -d "$account"
  account=$(ask --fail "$W/v1/tokens" -H "$JSON" -d "$account")
  AUTH="authorization: Bearer $(field access_token <<<"$account")" WORKSPACE=$(field workspace_id <<<"$account")
}

# One document there and back, and what a subscriber hears of it.
round_trip() {
  local answer id sequence
  curl --silent --no-buffer --max-time "$PATIENCE" --cacert "$SYNCBOARD_SECRETS/tls.crt" "$R/v1/events?after=0" -H "$AUTH" \
    >"$work/$1.events" 2>/dev/null &
  answer=$(ask --fail "$W/v1/documents" -H "$AUTH" -H "$JSON" -H 'Idempotency-Key: first' \
    -d '{"title":"Containers","text":"A container shares the kernel of its host."}')
  id=$(field id <<<"$answer") sequence=$(field sequence <<<"$answer")
  ask --fail "$R/v1/documents/$id?min_sequence=$sequence" -H "$AUTH" | grep -q '"title":"Containers"' || fail "$1: not read back"
  ask --fail "$R/v1/documents/$id/content" -H "$AUTH" | grep -q 'shares the kernel' || fail "$1: another text"
  for _ in $(seq 100); do grep -q "$id" "$work/$1.events" && break; sleep 0.1; done
  grep -q "$id" "$work/$1.events" || fail "$1: the subscription heard nothing"
  say "$1: a document uploaded, read and heard"
}

replica() { stack production ps --quiet "$1" | sed -n "${2:-1}p"; }
# Which node leads the log: the one whose loss is felt.
leader() {
  stack production exec -T nats-1 wget -q -O - 'http://127.0.0.1:8222/jsz?accounts=true&streams=true' |
    sed -n '/"name": "SYNCBOARD_EVENTS"/,/"leader"/s/.*"leader": "\(.*\)".*/\1/p' | head -1
}
# The shard of a workspace: its partition, as events/src/stream.rs has it.
shard() {
  local digits=${1//-/} hash=$((0xcbf29ce484222325)) n
  for ((n = 0; n < 32; n += 2)); do hash=$(((hash ^ 0x${digits:n:2}) * 0x100000001b3)); done
  echo $(((hash ^ hash >> 32) & 15))
}
# Which projector works on the shard of the uploads: the other one's loss no read would feel. A container is a machine of its own.
holder() {
  local machine
  for _ in $(seq 10); do
    machine=$(stack production exec -T projector /projector status --json | sed 's/"projection":"knowledge".*//' |
      grep -o "\"shard\":$(shard "$WORKSPACE"),[^}]*" | sed -n 's/.*"projector":"\([0-9a-f]*\) .*/\1/p')
    [ -z "$machine" ] || { stack production ps --quiet projector | grep "^$machine"; return; }
    sleep 1
  done
}

# Kills a container as a crash would, and starts it again once the load has gone on without it for so many seconds.
kill_one() {
  [ -n "$2" ] || fail "there is no $1 to be killed"
  say "production: killing $1 for $3 s"
  echo "$1" >"$FOLDER/next" && mv "$FOLDER/next" "$FOLDER/away"
  docker kill --signal KILL "$2" >/dev/null
  sleep "$3"
  docker start "$2" >/dev/null
  echo nobody >"$FOLDER/next" && mv "$FOLDER/next" "$FOLDER/away"
  sleep 2
}

kills() {
  local pids=() pid node gone=0 heard
  export FOLDER=$work/load WRITES=$W READS=$R AUTHORIZATION=$AUTH CERTIFICATE=$SYNCBOARD_SECRETS/tls.crt UPLOADS PATIENCE
  mkdir "$FOLDER" && echo nobody >"$FOLDER/away"
  for ((w = 0; w < WORKERS; w++)); do bash tests/compose/load.sh client "$w" & pids+=($!); done
  sleep 2
  kill_one command-service "$(replica command-service)" 6
  kill_one query-service "$(replica query-service)" 6
  # Of these another must take the place first, which takes some seconds.
  kill_one projector "$(holder)" 12
  node=$(leader)
  kill_one "${node:-leader of the log}" "${node:+$(replica "$node")}" 12
  touch "$FOLDER/enough"
  for pid in "${pids[@]}"; do wait "$pid" || gone=$((gone + 1)); done
  bash tests/compose/load.sh check || say "not everything can be read in the end"
  say "production, $REVISION:"
  bash tests/compose/load.sh outcome command-service query-service projector "$node" ||
    fail "what was acknowledged is lost, wrong or unanswered"
  [ "$gone" = 0 ] || fail "$gone of $WORKERS clients gave up"
  heard=$(curl --silent --max-time 5 --cacert "$SYNCBOARD_SECRETS/tls.crt" "$R/v1/events?after=0" -H "$AUTH" | grep -c '^event: document.uploaded' || true)
  say "production: a subscription from the beginning hears $heard uploads"
  [ "$heard" = $(($(cat "$FOLDER"/journal.* | grep -c $'\tacknowledged\t') + 1)) ] || fail "a subscription has a gap or a repetition"
}

# Since when containers run; nothing of one that is gone.
started() { docker inspect --format '{{.Id}} {{.State.StartedAt}}' "$@" 2>/dev/null || true; }
# How often something stands in what is read.
count() { grep -o "$1" | wc -l || true; }
# What Prometheus answers to a query, or nothing.
value() {
  curl --silent --max-time 5 --get --data-urlencode "query=$1" "http://127.0.0.1:$SYNCBOARD_PROMETHEUS_PORT/api/v1/query" |
    sed -n 's/.*"value":\[[0-9.]*,"\([0-9]*\)"\].*/\1/p' || true
}

# Monitoring laid over a stack that runs: nothing of it is restarted, so many targets are up, and every rule can be evaluated.
monitored() {
  local begun running before up rules loaded password
  mapfile -t running < <(stack "$1" ps --quiet)
  before=$(started "${running[@]}") begun=$(now)
  watched "$1" up --detach --wait --wait-timeout 300 --no-build 2>"$work/up.log" ||
    { cat "$work/up.log" >&2; fail "monitoring does not come up over $1"; }
  say "$1: monitoring healthy after $(seconds_since "$begun") s"
  [ "$(started "${running[@]}")" = "$before" ] || fail "monitoring restarted something of $1"
  rules=$(cat deploy/monitoring/rules/*.yml | grep -cE '^ +- (alert|record):')
  for _ in $(seq 60); do
    up=$(value 'count(up == 1)')
    loaded=$(curl --silent --max-time 5 "http://127.0.0.1:$SYNCBOARD_PROMETHEUS_PORT/api/v1/rules" | count '"health":"ok"')
    [ "$up/$loaded" != "$2/$rules" ] || break
    sleep 1
  done
  say "$1: ${up:-0} of $2 targets up, $loaded of $rules rules well"
  [ "$up/$loaded" = "$2/$rules" ] && [ "$(value 'count(up)')" = "$2" ] || fail "monitoring does not see all of $1"
  [ "$GRAFANA" = yes ] || return 0
  password=$(cat "$SYNCBOARD_SECRETS/grafana_password")
  up=$(curl --silent --max-time 5 --user "admin:$password" "http://127.0.0.1:$SYNCBOARD_GRAFANA_PORT/api/search?type=dash-db" |
    count '"uid":"syncboard-')
  [ "$up" = "$(find deploy/monitoring/grafana/dashboards -name '*.json' | wc -l)" ] || fail "Grafana shows $up dashboards"
  [ "$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' \
    "http://127.0.0.1:$SYNCBOARD_GRAFANA_PORT/api/search")" = 401 ] || fail "Grafana asks nobody who they are"
}

# Everything is well again, and tables say what the log says.
verified() {
  for _ in $(seq 60); do
    [ "$(stack production ps --format '{{.Health}}' | grep -vc '^healthy$')" = 0 ] && break
    sleep 1
  done
  stack production exec -T projector /projector verify >"$work/verify" || { cat "$work/verify"; fail "verify"; }
  say "production: projector verify finds nothing wrong"
}

# What nobody outside is meant to see, and what is too much.
proxied() {
  local path status refused=0
  for path in /health /health/ready /metrics /openapi.json; do
    status=$(ask --output /dev/null --write-out '%{http_code}' "$W$path")
    [ "$status" = 404 ] || fail "the proxy answers $path with $status"
  done
  status=$(ask --location --output /dev/null --write-out '%{http_code}' "$W/")
  [ "$status" = 200 ] || fail "the documentation is answered with $status"
  status=$(curl --silent --http1.1 --max-time 2 --cacert "$SYNCBOARD_SECRETS/tls.crt" --output /dev/null --write-out '%{http_code}' \
    "$R/v1/events/socket" -H "$AUTH" -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: c3luY2JvYXJkLXRlc3QtMQ==' || true)
  [ "$status" = 101 ] || fail "a WebSocket is answered with $status"
  for _ in $(seq 40); do
    status=$(ask --output /dev/null --write-out '%{http_code}' "$W/v1/tokens" -H "$JSON" -d '{}')
    [ "$status" != 429 ] || refused=$((refused + 1))
  done
  say "production: $refused of 40 log-ins at once answered 429"
  [ "$refused" -gt 0 ] || fail "nothing limits log-ins"
}

REVISION=$(revision)
say "$REVISION"
[ "$BUILD" = no ] || build
images
bash deploy/compose/secrets "$SYNCBOARD_SECRETS" >/dev/null

up development
W=http://127.0.0.1:$SYNCBOARD_COMMAND_PORT R=http://127.0.0.1:$SYNCBOARD_QUERY_PORT
log_in
round_trip development
roomy 20 ask "$W/metrics"
monitored development 6
unprivileged development
watched development down --volumes --timeout 10 >/dev/null 2>&1

up production
W=https://localhost:$SYNCBOARD_HTTPS_PORT R=$W
log_in
round_trip production
roomy 60 metrics
kills
verified
proxied
monitored production 9
unprivileged production
begun=$(now)
watched production down --volumes >/dev/null 2>&1
say "production: stopped in $(seconds_since "$begun") s"
