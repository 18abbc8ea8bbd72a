"""What may come into the namespace, and what may not."""

SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(container=None, security=None, **spec):
    """A pod that may come in, but for what is said of it."""
    security = {key: value for key, value in {**SECURE, **(security or {})}.items() if value is not None}
    first = {"name": "main", "image": "debugging", "securityContext": security, **(container or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}, "spec": {"containers": [first], **spec}}


# Each breaks the level `restricted` in one way.
UNSAFE = {
    "root": pod(security={"runAsUser": 0}),
    "root by its image": pod(security={"runAsNonRoot": None}),
    "privileged": pod(security={"privileged": True, "allowPrivilegeEscalation": None}),
    "privileges to gain": pod(security={"allowPrivilegeEscalation": None}),
    "capabilities": pod(security={"capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]}}),
    "no seccomp profile": pod(security={"seccompProfile": None}),
    "a folder of the machine": pod(volumes=[{"name": "host", "hostPath": {"path": "/"}}]),
    "the machine's network": pod(hostNetwork=True),
}


def claim(storage):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"generateName": "x-"}, "spec": spec}


def service(kind):
    spec = {"type": kind, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"generateName": "x-"}, "spec": spec}


# What it is, and what the API server says against it, or nothing.
ATTEMPTS = [
    ("a safe pod", "pods", pod(), ""),
    *((name, "pods", one, "violates PodSecurity") for name, one in UNSAFE.items()),
    ("five cores", "pods", pod({"resources": {"limits": {"cpu": "5"}}}), "maximum cpu usage per Container is 4"),
    ("nine GiB", "pods", pod({"resources": {"limits": {"memory": "9Gi"}}}), "maximum memory usage per Container is 8Gi"),
    ("a large claim", "persistentvolumeclaims", claim("201Gi"), "maximum storage usage per PersistentVolumeClaim is 200Gi"),
    ("a claim", "persistentvolumeclaims", claim("200Gi"), ""),
    ("a port of the machines", "services", service("NodePort"), "exceeded quota"),
    ("a load balancer", "services", service("LoadBalancer"), "exceeded quota"),
    ("a service", "services", service("ClusterIP"), ""),
]
