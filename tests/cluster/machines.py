"""Machines that are only said to be there. What their kubelet would tell the API server is told for them, with its rights:
that a machine is well, that a pod runs, that it has stopped. No container is started."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from control_plane import Refused

STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "disks", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}
# Disks of a machine, for whichever of the stores comes to it.
DISKS, DISK = 3, "200Gi"
# A kubelet says so every ten seconds; after fifty without it a machine counts as lost.
RENEWED = 10


@dataclass(frozen=True)
class Machine:
    """One of so many cores and GiB. What pods may take of it is less, as the system and others' pods need some."""

    name: str
    zone: str
    cores: int
    memory: int

    @property
    def node(self):
        labels = {"kubernetes.io/hostname": self.name, "topology.kubernetes.io/zone": self.zone, "kubernetes.io/os": "linux"}
        return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels}}

    @property
    def status(self):
        now = stamp()
        conditions = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
        return {
            "capacity": {"cpu": str(self.cores), "memory": f"{self.memory}Gi", "pods": "110"},
            "allocatable": {"cpu": f"{self.cores * 1000 - 500}m", "memory": f"{self.memory * 1024 * 4 // 5}Mi", "pods": "110"},
            "conditions": [
                {"type": kind, "status": status, "reason": "Said", "lastHeartbeatTime": now, "lastTransitionTime": now}
                for kind, status in conditions.items()
            ],
        }

    @property
    def lease(self):
        spec = {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": stamp(form="%Y-%m-%dT%H:%M:%S.%fZ")}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self.name}, "spec": spec}

    @property
    def disks(self):
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [self.name]}
        for number in range(DISKS):
            yield {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"{self.name}-{number}"},
                "spec": {
                    "capacity": {"storage": DISK},
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": STORAGE_CLASS["metadata"]["name"],
                    "local": {"path": f"/disks/{number}"},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
                },
            }


def stamp(after=timedelta(), form="%Y-%m-%dT%H:%M:%SZ"):
    """The time now or then, as Kubernetes writes it; such texts are in the order of their times."""
    return (datetime.now(timezone.utc) + after).strftime(form)


def references(spec):
    """What a pod needs of Secrets and ConfigMaps: kind, name, and key, or None for the whole."""
    for volume in spec.get("volumes", []):
        for kind, source, name in [("secrets", "secret", "secretName"), ("configmaps", "configMap", "name")]:
            if source in volume:
                keys = [item["key"] for item in volume[source].get("items", [])]
                yield from ((kind, volume[source][name], key) for key in keys or [None])
    for container in spec["containers"]:
        for source in container.get("envFrom", []):
            yield from ((f"{ref.removesuffix('Ref').lower()}s", one["name"], None) for ref, one in source.items())
        for variable in container.get("env", []):
            for ref, one in variable.get("valueFrom", {}).items():
                if ref.endswith("KeyRef"):
                    yield f"{ref.removesuffix('KeyRef').lower()}s", one["name"], one["key"]


class Machines:
    """A thread that does what the kubelets of all of them would do."""

    def __init__(self, plane, machines):
        self.plane, self.apis, self.fault = plane, {}, None
        # Whether pods come up, and whether one that is told to stop takes all the time that it is given.
        self.is_starting, self.is_slow = True, False
        self.ended = threading.Event()
        plane.api.post("/apis/storage.k8s.io/v1/storageclasses", STORAGE_CLASS)
        for machine in machines:
            api = self.apis[machine] = plane.as_user(f"system:node:{machine.name}")
            api.post("/api/v1/nodes", machine.node)
            api.patch(f"/api/v1/nodes/{machine.name}/status", {"status": machine.status})
            api.post("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", machine.lease)
            for disk in machine.disks:
                plane.api.post("/api/v1/persistentvolumes", disk)
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        rounds = 0
        try:
            while not self.ended.wait(0.25):
                rounds += 1
                for machine, api in self.apis.items():
                    if rounds % (RENEWED * 2) == 0:
                        lease = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{machine.name}"
                        api.patch(lease, {"spec": machine.lease["spec"]})
                    for pod in api.list(f"/api/v1/pods?fieldSelector=spec.nodeName={machine.name}"):
                        self.tend(api, pod)
        except Exception as fault:
            # Whoever waits for the machines must hear of it.
            self.fault = fault

    def tend(self, api, pod):
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        try:
            if "deletionTimestamp" in pod["metadata"]:
                if not self.is_slow or pod["metadata"]["deletionTimestamp"] <= stamp():
                    api.delete(path, gracePeriodSeconds=0, preconditions={"uid": pod["metadata"]["uid"]})
            elif pod["status"]["phase"] == "Pending" and self.is_starting:
                api.patch(f"{path}/status", {"status": self.started(api, pod)}, patch="strategic-merge")
        except Refused as refused:
            # It has gone, or changed, since it was read; or the right to what it refers to comes a moment later.
            if refused.status not in (403, 404, 409):
                raise

    def started(self, api, pod):
        missing = self.missing(api, pod)
        if missing:
            phase, state = "Pending", {"waiting": {"reason": "CreateContainerConfigError", "message": missing}}
        elif any(owner["kind"] == "Job" for owner in pod["metadata"].get("ownerReferences", [])):
            phase, state = "Succeeded", {"terminated": {"exitCode": 0, "startedAt": stamp(), "finishedAt": stamp()}}
        else:
            phase, state = "Running", {"running": {"startedAt": stamp()}}
        containers = [
            {
                "name": one["name"],
                "image": one["image"],
                "imageID": "",
                "ready": phase == "Running",
                "restartCount": 0,
                "state": state,
            }
            for one in pod["spec"]["containers"]
        ]
        ready = {"status": "True" if phase == "Running" else "False", "lastTransitionTime": stamp()}
        return {
            "phase": phase,
            "startTime": stamp(),
            "conditions": [{"type": kind, **ready} for kind in ["Initialized", "ContainersReady", "Ready"]],
            "containerStatuses": containers,
        }

    def missing(self, api, pod):
        """What of a pod's references is not there, as a kubelet would find; it may read those of its own pods alone."""
        for kind, name, key in references(pod["spec"]):
            try:
                found = api.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}/{kind}/{name}")
            except Refused as refused:
                if refused.status != 404:
                    raise
                return f"{kind} {name} is not there"
            if key and key not in found.get("data", {}):
                return f"{kind} {name} has no {key}"
        return None

    @contextmanager
    def nothing_starts(self):
        self.is_starting = False
        try:
            yield
        finally:
            self.is_starting = True

    @contextmanager
    def slow_stops(self):
        self.is_slow = True
        try:
            yield
        finally:
            self.is_slow = False

    def check(self):
        if self.fault:
            raise RuntimeError("the machines have stopped") from self.fault

    def end(self):
        self.ended.set()
        self.thread.join(60)
