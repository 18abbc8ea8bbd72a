from mutations.ways import GONE, POLICY, add, change, drop

HERE = [{"podSelector": {}}]


def policy(name, **spec):
    return add({"kind": POLICY, "metadata": {"name": name}, "spec": spec})


MUTATIONS = [
    ("flows", "nobody is denied", drop(POLICY, "default-deny")),
    (
        "flows",
        "the cache is denied to nobody",
        lambda system: (drop(POLICY, "redis")(system), drop(POLICY, "default-deny")(system)),
    ),
    ("flows", "names cannot be looked up", drop(POLICY, "names")),
    (
        "flows",
        "everybody here",
        policy("x", podSelector={}, policyTypes=["Ingress", "Egress"], ingress=[{"from": HERE}], egress=[{"to": HERE}]),
    ),
    ("flows", "the world", policy("x", podSelector={}, policyTypes=["Egress"], egress=[{}])),
    ("flows", "from everywhere", change(POLICY, "command-service", "spec.ingress.0.from", [])),
    ("flows", "from the controller's neighbours", change(POLICY, "command-service", "spec.ingress.0.from.0.podSelector", {})),
    ("flows", "from another's controller", change(POLICY, "command-service", "spec.ingress.0.from.0.namespaceSelector", {})),
    ("flows", "every port", change(POLICY, "nats", "spec.ingress.0.ports", GONE)),
    ("flows", "another port", change(POLICY, "postgres", "spec.ingress.0.ports.0.port", 5433)),
    ("flows", "the peers' port for services", change(POLICY, "nats", "spec.ingress.0.ports.1", {"port": 6222})),
    ("flows", "no metrics", change(POLICY, "projector", "spec.ingress", [])),
    (
        "flows",
        "a way out to a closed door",
        change(POLICY, "command-service", "spec.egress.2", {"to": HERE, "ports": [{"port": 6379}]}),
    ),
    ("flows", "a door to which nobody comes", change(POLICY, "redis", "spec.ingress.0.from.1", HERE[0])),
    ("flows", "an exporter that is not read", change(POLICY, "postgres-exporter", "spec.ingress", [])),
    ("flows", "an exporter that reaches nothing", drop(POLICY, "redis-monitoring")),
    ("flows", "an exporter for everybody", change(POLICY, "redis-exporter", "spec.ingress.0.from", [])),
    ("flows", "only one way", change(POLICY, "redis", "spec.policyTypes", ["Egress"])),
]
