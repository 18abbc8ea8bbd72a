#!/usr/bin/env bash
# Runs in the container: everything of a cluster of one machine, each program with a log in /node.
set -euo pipefail
cd /node
address=$(hostname --ip-address)
echo "nameserver 127.0.0.1" >resolv.conf

# Who is who: tokens for the programs, and a CA by which the API server is known to what it aggregates.
openssl genrsa -out accounts.key 2048 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=front -keyout front-ca.key -out front-ca.crt 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=front -keyout front.key -out front.csr 2>/dev/null
openssl x509 -req -in front.csr -CA front-ca.crt -CAkey front-ca.key -CAcreateserial -days 2 -out front.crt 2>/dev/null
: >tokens.csv
for user in admin:system:masters system:kube-controller-manager system:kube-scheduler system:kube-proxy system:node:node:system:nodes; do
  case $user in
    admin:*) name=admin group=system:masters ;;
    system:node:*) name=system:node:node group=system:nodes ;;
    *) name=$user group= ;;
  esac
  token=$(openssl rand -hex 16)
  echo "$token,$name,$name,\"$group\"" >>tokens.csv
  cat >"${name//:/-}.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://$address:6443", certificate-authority: /node/certificates/apiserver.crt}}]
users: [{name: me, user: {token: $token}}]
YAML
done

start() {
  local name=$1
  shift
  "$name" "$@" >"/node/$name.log" 2>&1 &
  echo $! >"/node/$name.pid"
}

# In the second version of control groups one that holds processes cannot be divided: they go into one of their own.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/machine
  xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/machine/cgroup.procs || true
  sed 's/ / +/g; s/^/+/' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi
mkdir -p /etc/cni/net.d /disks/{0,1,2,3}
cp cni.conflist /etc/cni/net.d/
sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
mount --make-rshared /
start containerd --config /node/containerd.toml
start etcd --data-dir=/node/etcd --unsafe-no-fsync
start kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address="$address" --secure-port=6443 \
  --cert-dir=/node/certificates --token-auth-file=/node/tokens.csv --authorization-mode=Node,RBAC --allow-privileged \
  --enable-admission-plugins=NodeRestriction --service-account-issuer=https://kubernetes.default.svc \
  --service-account-key-file=/node/accounts.key --service-account-signing-key-file=/node/accounts.key \
  --service-cluster-ip-range=10.96.0.0/16 --requestheader-client-ca-file=/node/front-ca.crt \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra- --proxy-client-cert-file=/node/front.crt \
  --proxy-client-key-file=/node/front.key --enable-aggregator-routing
export KUBECONFIG=/node/admin.kubeconfig
until [ "$(kubectl get --raw /readyz 2>/dev/null)" = ok ]; do sleep 0.5; done
start kube-controller-manager --kubeconfig=/node/system-kube-controller-manager.kubeconfig --leader-elect=false \
  --use-service-account-credentials --service-account-private-key-file=/node/accounts.key \
  --root-ca-file=/node/certificates/apiserver.crt
start kube-scheduler --kubeconfig=/node/system-kube-scheduler.kubeconfig --leader-elect=false
until ctr version >/dev/null 2>&1; do sleep 0.5; done
start kubelet --kubeconfig=/node/system-node-node.kubeconfig --config=/node/kubelet.yaml --hostname-override=node \
  --node-ip="$address" --node-labels=topology.kubernetes.io/zone=here
until kubectl get node node >/dev/null 2>&1; do sleep 0.5; done
start kube-proxy --kubeconfig=/node/system-kube-proxy.kubeconfig --hostname-override=node --cluster-cidr=10.244.0.0/16 \
  --conntrack-max-per-core=0
touch /node/up
# When one of them ends, so does the machine.
wait -n
