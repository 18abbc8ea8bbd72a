#!/usr/bin/env bash
# Brings every overlay of deploy/kubernetes onto a real control plane of Kubernetes by the commands of its README.md, and holds
# it to what it promises: admission, scheduling, quota, budgets, autoscalers, rights, an upgrade, a drain. Then every check is
# shown faults, and must see them.
#
#   KUBERNETES_BIN=FOLDER tests/cluster.sh              everything
#   KUBERNETES_BIN=FOLDER tests/cluster.sh -k small     what pytest chooses
#
# The folder holds etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl. They run on loopback and in a
# temporary folder, as no other user than this one, and are ended whatever happens. Machines are only said to be there: no
# container is started, and there are neither network nor disks.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${KUBERNETES_BIN:?a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl}"
KUBERNETES_BIN=$(realpath "$KUBERNETES_BIN")
for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl; do
  [ -x "$KUBERNETES_BIN/$program" ] || { echo "$KUBERNETES_BIN has no $program" >&2; exit 2; }
done
command -v openssl >/dev/null || { echo "openssl is needed, for the key of accounts' tokens" >&2; exit 2; }

tools=$(bash .ci/python tests/kubernetes/requirements.txt)
export KUBERNETES_BIN PYTHONDONTWRITEBYTECODE=1
"$KUBERNETES_BIN/kube-apiserver" --version
"$KUBERNETES_BIN/etcd" --version | head -1
exec timeout --foreground --kill-after 60 2400 "$tools/python" -m pytest --verbose -c tests/cluster/pytest.ini tests/cluster "$@"
