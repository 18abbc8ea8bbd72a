#!/usr/bin/env bash
# Makes a cluster of one machine in a container, brings the overlay `small` onto it by the commands of deploy/kubernetes/README.md,
# and counts what clients lose while pods come and go: rollouts, deletions, evictions, a way back, crashes.
#
#   KUBERNETES_BIN=FOLDER tests/node.sh
#
# The folder holds etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl and coredns, linked
# statically. A Docker Engine is needed, which lets a container be privileged; it has the images that the overlay names, or can
# pull them. Two cores are enough. The load is bounded and stays inside the container; what is made is taken away at the end.
# Nothing enforces network policies, and there is neither an ingress controller nor metrics-server.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${KUBERNETES_BIN:?a folder with the programs of Kubernetes, etcd and coredns}"
PROGRAMS=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl coredns)
for program in "${PROGRAMS[@]}"; do
  [ -x "$KUBERNETES_BIN/$program" ] || { echo "$KUBERNETES_BIN has no $program" >&2; exit 2; }
done
docker info >/dev/null || { echo "a Docker Engine is needed" >&2; exit 2; }
NAME=syncboard-test-node-$$
work=$(mktemp -d)

finish() {
  local status=$?
  if [ "$status" != 0 ] && docker inspect "$NAME" >/dev/null 2>&1; then
    on kubectl get pods --all-namespaces || true
    k get events --field-selector type=Warning | grep -v Metric || true
    on tail -n 20 /node/load/failures 2>/dev/null || true
  fi
  docker rm --force --volumes "$NAME" >/dev/null 2>&1 || true
  docker rmi "$NAME:machine" node/pause:1 node/coredns:1 >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
say() { printf '%s %s\n' "$(date +%T)" "$*"; }
fail() { echo "failed: $*" >&2; exit 1; }
on() { docker exec --interactive --env KUBECONFIG=/node/admin.kubeconfig --workdir /project "$NAME" "$@"; }
k() { on kubectl -n syncboard "$@"; }
pods() { k get pods --output name --selector "app.kubernetes.io/name=$1"; }
until_true() { # what, seconds, a command
  for _ in $(seq "$2"); do "${@:3}" >/dev/null 2>&1 && return; sleep 1; done
  fail "not within $2 s: $1"
}

# The block of README.md with a word in it, for this overlay.
readme() {
  awk -v word="$1" '
    /^ *```sh$/ { block = ""; inside = 1; next }
    /^ *```$/ { if (inside && index(block, word)) printf "%s", block; inside = 0 }
    inside { sub(/^  /, ""); block = block $0 "\n" }
  ' deploy/kubernetes/README.md | sed 's|overlays/production|overlays/small|'
}

machine() {
  docker build --quiet --target machine --tag "$NAME:machine" tests/node >/dev/null
  docker build --quiet --target pause --tag node/pause:1 tests/node >/dev/null
  cp "$KUBERNETES_BIN/coredns" "$work/"
  printf 'FROM scratch\nCOPY coredns /coredns\nENTRYPOINT ["/coredns"]\n' | docker build --quiet --tag node/coredns:1 --file - "$work" >/dev/null
  docker create --name "$NAME" --hostname node --privileged --cgroupns private --tmpfs /run --tmpfs /tmp "$NAME:machine" >/dev/null
  for program in "${PROGRAMS[@]}"; do
    docker cp --quiet --follow-link "$KUBERNETES_BIN/$program" "$NAME:/usr/local/bin/$program"
  done
  docker start "$NAME" >/dev/null
  until_true "the machine is up" 120 docker exec "$NAME" test -e /node/up
  docker exec "$NAME" mkdir -p /project/deploy
  docker cp --quiet deploy/kubernetes "$NAME:/project/deploy/"
  say "Kubernetes $(on kubelet --version | cut -d' ' -f2), $(on containerd --version | cut -d' ' -f1,3)"
}

images() {
  local wanted
  mapfile -t wanted < <(on kubectl kustomize deploy/kubernetes/overlays/small | sed -n 's/^ *image: //p' | sort -u)
  for image in "${wanted[@]}"; do
    docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image"
  done
  docker save node/pause:1 node/coredns:1 "${wanted[@]}" | on ctr --namespace k8s.io images import - >/dev/null
  say "images: ${wanted[*]}"
}

install() {
  local begun=$SECONDS block
  on kubectl apply -f - <tests/node/cluster.yaml >/dev/null
  on kubectl -n kube-system rollout status deployment/coredns --timeout=2m >/dev/null
  for block in "create namespace" "delete job migrate"; do
    [ -n "$(readme "$block")" ] || fail "README.md has no commands with $block"
    on bash -euo pipefail -c "$(readme "$block")" >"$work/installed" || { cat "$work/installed" >&2; fail "the commands with $block"; }
  done
  say "installed, and everything ready, in $((SECONDS - begun)) s"
}

begin_load() {
  on sh -c 'rm -rf /node/load && mkdir /node/load && echo before >/node/load/phase && touch /node/load/failures'
  docker exec --detach "$NAME" sh -c "python3 /node/load.py $(address command-service) $(address query-service) /node/load 2>/node/load/errors"
  sleep 5
}
address() { k get service "$1" --output 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}'; }
phase() {
  on sh -c "echo $1 >/node/load/next && mv /node/load/next /node/load/phase"
  say "$1"
}
lost() { on sh -c "grep -c ' $1 ' /node/load/failures || true"; }
# Once those that stop have stopped.
nothing_lost() {
  until_true "stopped pods are gone" 120 settled
  [ "$(lost "$1")" = 0 ] || fail "$1: $(lost "$1") requests were lost"
}
settled() { [ "$(k get pods --no-headers | grep -cvE ' ([1-9])/\1 +Running |^migrate-.* Completed ')" = 0 ]; }
restart() {
  k rollout restart "${@/#/deployment/}" >/dev/null
  for program; do k rollout status "deployment/$program" --timeout=5m >/dev/null; done
}
# What the API server says of it.
evict() {
  printf '{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "%s", "namespace": "syncboard"}}' "${1#pod/}" |
    on kubectl create --raw "/api/v1/namespaces/syncboard/pods/${1#pod/}/eviction" -f - 2>&1 || true
}

rollouts() {
  for program in command-service query-service projector; do
    phase "restart-$program"
    restart "$program"
    nothing_lost "restart-$program"
  done
  phase undo
  k rollout undo deployment/command-service >/dev/null 2>&1
  k rollout status deployment/command-service --timeout=5m >/dev/null
  nothing_lost undo
  phase delete
  for program in command-service query-service projector; do k delete --wait=false "$(pods "$program" | head -1)" >/dev/null; done
  nothing_lost delete
  phase evict
  for program in command-service query-service projector; do
    mapfile -t two < <(pods "$program")
    evict "${two[0]}" | grep -q Success || fail "$program: none may be evicted"
    evict "${two[1]}" | grep -q TooManyRequests || fail "$program: both were evicted"
  done
  nothing_lost evict
}

# A crash may lose what was asked of it just then, and no more; the kubelet starts it again.
crash() {
  phase "crash-$1"
  on sh -c "kill -9 \$(pgrep -o -x $1)"
  sleep 10
  until_true "$1 is ready again" 60 settled
  k get pods --no-headers --selector "app.kubernetes.io/name=$1" | awk '{ n += $4 } END { exit n != 1 }' || fail "$1 was not started again"
  [ "$(lost "crash-$1")" -lt 40 ] || fail "$1: $(lost "crash-$1") requests were lost"
  say "$(lost "crash-$1") requests met a crash of $1"
}

# Without what prevents it, requests are lost: else this could not see it.
unprepared() {
  phase without-preStop
  for program in command-service query-service; do
    k patch deployment "$program" --type json --patch '[{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}]' >/dev/null
    k rollout status "deployment/$program" --timeout=5m >/dev/null
  done
  for _ in 1 2 3; do
    restart command-service query-service
    sleep 5
    [ "$(lost without-preStop)" = 0 ] || break
  done
  [ "$(lost without-preStop)" -gt 0 ] || fail "nothing was lost without preStop either"
  say "$(lost without-preStop) requests were lost without preStop"
}

end_load() {
  on touch /node/load/enough
  until_true "the load ends" 120 docker exec "$NAME" test -e /node/load/result
  on cat /node/load/result
  on python3 - <<'PY' || fail "the load's result"
import json
result = json.load(open("/node/load/result"))
assert result["acknowledged"] > 1000, "hardly anything was written"
assert not result["missing"] and not result["not heard"] and not result["heard twice"], result
for phase, counts in result["phases"].items():
    for way in ["write-new", "write-kept", "read-new", "read-kept"]:
        assert counts.get(f"{way} answered", 0) > 20, f"{phase}: hardly anything by {way}"
PY
}

machine
images
install
begin_load
rollouts
crash command-service
crash query-service
unprepared
end_load
say "done: nothing acknowledged was missing"
