"""Every check sees what it is for: overlays with faults in them, as many at once as do not hide each other."""

from dataclasses import dataclass
from functools import partial

import checks
import pytest
from installation import Installation
from test_overlays import AT_LAST, EVERYWHERE
from waiting import until


@dataclass
class Fault:
    """A change of a file, and what a check must say of it."""

    file: str
    old: str
    new: str
    check: str
    said: str


SECCOMP = "        seccompProfile:\n          type: RuntimeDefault\n"
BINDING = """apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: look}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: redis}]
---
"""
LIMITS = "# Who says nothing gets little"
POD_OF_COMMANDS = "      serviceAccountName: command-service\n"
BASE, OVERLAYS = "base", "overlays"

FAULTS = {
    "what is refused or warned of": (
        "small",
        [
            Fault("README.md", " --save-config", "", "taken", "missing the kubectl.kubernetes.io/last-applied-configuration"),
            Fault(
                f"{BASE}/redis/redis.yaml",
                "  replicas: 1\n",
                "  replicas: 1\n  replica: 1\n",
                "taken",
                'unknown field "spec.replica"',
            ),
            Fault(f"{BASE}/postgres/postgres.yaml", SECCOMP, "", "taken", "Warning: would violate PodSecurity"),
        ],
    ),
    "pods that do not run": (
        "small",
        [
            Fault(f"{BASE}/redis/redis.yaml", SECCOMP, "", "complete", "StatefulSet redis: Create Pod redis-0"),
            Fault(f"{BASE}/namespace.yaml", "storage: 200Gi", "storage: 40Gi", "complete", "maximum storage usage"),
            Fault(f"{OVERLAYS}/small/kustomization.yaml", "cpu: 250m", 'cpu: "4"', "complete", "postgres-0 has no place"),
            Fault("secrets", "NATS_ADMIN_URL", "NATS_ADMIN", "complete", "secrets syncboard-services has no NATS_ADMIN_URL"),
        ],
    ),
    "what may be": (
        "small",
        [
            Fault(f"{BASE}/namespace.yaml", "enforce: restricted", "enforce: baseline", "enforced", "root by its image: is let in"),
            Fault(f"{BASE}/namespace.yaml", 'cpu: "4"', 'cpu: "8"', "enforced", "five cores: is let in"),
            Fault(f"{BASE}/namespace.yaml", '    services.nodeports: "0"\n', "", "enforced", "a port of the machines: is let in"),
            Fault(f"{BASE}/namespace.yaml", '    pods: "64"\n', "", "bounded", "pods may be there"),
            Fault(f"{BASE}/namespace.yaml", LIMITS, BINDING + LIMITS, "powerless", "redis may"),
            Fault(
                f"{BASE}/command-service.yaml",
                f"{POD_OF_COMMANDS}      automountServiceAccountToken: false\n",
                f"{POD_OF_COMMANDS}      automountServiceAccountToken: true\n",
                "powerless",
                "has a token",
            ),
            Fault(
                f"{OVERLAYS}/small/kustomization.yaml",
                "minAvailable, value: 1",
                "minAvailable, value: 2",
                "budgeted",
                "of 2 command-service 0 may go",
            ),
            Fault(
                f"{BASE}/projector.yaml",
                "    kind: Deployment\n    name: projector\n",
                "    kind: Deployment\n    name: projectors\n",
                "autoscaled",
                "projector cannot be scaled",
            ),
            Fault(
                f"{BASE}/query-service.yaml",
                "  # How many is said by the autoscaler alone.\n",
                "  replicas: 1\n",
                "repeatable",
                "-  replicas: 2",
            ),
        ],
    ),
    "a quota without those that stop": (
        "small",
        [
            Fault(f"{BASE}/namespace.yaml", "cpu: 50m", "cpu: 60m", "bounded", "a pod that says nothing is given"),
            Fault(f"{BASE}/namespace.yaml", 'pods: "64"', 'pods: "16"', "upgraded", "exceeded quota: syncboard, requested: pods=1"),
        ],
    ),
    "a migration that stays": (
        "small",
        [
            Fault(
                "README.md",
                "kubectl -n syncboard delete job migrate monitor-role --ignore-not-found\n",
                "# delete job migrate\n",
                "upgraded",
                'The Job "migrate" is invalid',
            )
        ],
    ),
    "a server that may become three": (
        "small",
        [
            Fault(
                f"{OVERLAYS}/small/alone.yaml", "  podManagementPolicy: OrderedReady\n", "", "guarded", "production is laid over it"
            )
        ],
    ),
    "where pods are": (
        "production",
        [
            Fault(
                f"{BASE}/query-service.yaml",
                "      topologySpreadConstraints:\n",
                "      nodeSelector: {topology.kubernetes.io/zone: zone-c}\n      topologySpreadConstraints:\n",
                "spread",
                "query-service is not spread",
            ),
            Fault(
                "metrics-adapter/kustomization.yaml",
                "      - config.yaml",
                "      - rules.yaml=config.yaml",
                "adapted",
                "has no config.yaml",
            ),
            Fault(f"{BASE}/nats/nats.yaml", "  maxUnavailable: 1\n", "  maxUnavailable: 3\n", "drained", "the log may lose"),
        ],
    ),
}


def sees(here, fault):
    return any(fault.said in said for said in getattr(checks, fault.check)(here))


@pytest.mark.parametrize("name", FAULTS)
def test_a_check_sees_what_it_is_for(name, programs):
    overlay, faults = FAULTS[name]
    with Installation(overlay, programs, [(one.file, one.old, one.new) for one in faults]) as here:
        here.install()
        for fault in faults:
            # Some are seen only when the controllers have tried, and they wait longer each time.
            until(f"{fault.check} says {fault.said}", partial(sees, here, fault), 180)


def test_every_check_has_a_fault():
    assert {fault.check for _, faults in FAULTS.values() for fault in faults} == {*EVERYWHERE, *sum(AT_LAST.values(), [])}
