"""Who may talk to whom: what the network policies let through together, as a list, beside the list that is wanted."""

from dataclasses import dataclass, field

from rules.wiring import matches

SERVICES = ["command-service", "query-service", "projector", "migrate"]
WANTED = {
    ("ingress controller", "command-service", 8080),
    ("ingress controller", "query-service", 8081),
    ("prometheus", "command-service", 8080),
    ("prometheus", "query-service", 8081),
    ("prometheus", "projector", 8082),
    ("subscriber", "nats", 4222),
    ("nats", "nats", 6222),
    *((service, "nats", 4222) for service in SERVICES),
    *((service, "postgres", 5432) for service in SERVICES),
    ("query-service", "redis", 6379),
    ("projector", "redis", 6379),
    *((who, "names", 53) for who in [*SERVICES, "nats"]),
    *((who, "names", "53/UDP") for who in [*SERVICES, "nats"]),
}
# Where there is monitoring.
WATCHING = {
    ("prometheus", "postgres-exporter", 9187),
    ("prometheus", "redis-exporter", 9121),
    ("postgres-exporter", "postgres", 5432),
    ("monitor-role", "postgres", 5432),
    ("redis-exporter", "redis", 6379),
    *((who, "names", port) for who in ["postgres-exporter", "redis-exporter", "monitor-role"] for port in [53, "53/UDP"]),
}
# A port that nobody listens on: who may reach it may reach every port.
ANY = 9


def wanted(system):
    """The connections that there are to be."""
    return WANTED | WATCHING if system.of("ServiceMonitor") else WANTED


@dataclass
class Party:
    """Somebody who talks or is talked to; policies bind those of our namespace alone."""

    name: str
    labels: dict = field(default_factory=dict)
    namespace: dict = field(default_factory=dict)
    ports: list = field(default_factory=list)
    is_bound: bool = False


def outside(name, namespace, labels, ports=()):
    return Party(name, labels, {"kubernetes.io/metadata.name": namespace}, list(ports))


def parties(system):
    """Everybody: our pods, those whom they have to do with, and those with whom they have not."""
    [space] = system.of("Namespace")
    here = {**space["metadata"].get("labels", {}), "kubernetes.io/metadata.name": space["metadata"]["name"]}
    yield outside("ingress controller", "ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"})
    yield outside("prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"})
    yield outside("names", "kube-system", {"k8s-app": "kube-dns"}, [53, "53/UDP"])
    yield Party("subscriber", {}, {"syncboard/subscribers": "allowed"})
    # Those nobody is to talk to: others in the same namespaces, others with the same labels, and the world.
    yield Party("debugging pod", {}, here, [], True)
    yield outside("neighbour of the controller", "ingress-nginx", {})
    yield outside("neighbour of prometheus", "monitoring", {})
    yield outside("neighbour of names", "kube-system", {})
    for name in ["command-service", "ingress-nginx", "prometheus", "nats"]:
        yield outside(f"{name} elsewhere", "elsewhere", {"app.kubernetes.io/name": name})
    yield outside("names elsewhere", "elsewhere", {"k8s-app": "kube-dns"}, [53, "53/UDP"])
    yield outside("the world", "", {}, [443])
    for workload in system.workloads():
        yield Party(workload.name, workload.labels, here, [port["containerPort"] for port in workload.ports], True)


def is_chosen(peers, party):
    """Whether a rule's peers have somebody among them; no peers are all."""
    if not peers:
        return True
    for peer in peers:
        if set(peer) - {"podSelector", "namespaceSelector"}:
            raise NotImplementedError(f"peers by {set(peer)}")
        is_near = matches(peer["namespaceSelector"], party.namespace) if "namespaceSelector" in peer else party.is_bound
        if is_near and matches(peer.get("podSelector", {}), party.labels):
            return True
    return False


def is_open(ports, port):
    """Whether a rule's ports have one among them; no ports are all."""
    number, _, protocol = str(port).partition("/")
    for one in ports or []:
        if set(one) - {"port", "protocol"} or not isinstance(one["port"], int):
            raise NotImplementedError(f"ports by {one}")
    return not ports or any(one["port"] == int(number) and one.get("protocol", "TCP") == (protocol or "TCP") for one in ports)


def is_let(system, direction, bound, other, port):
    """Whether the policies over one party let a connection through; without any over it, they do."""
    if not bound.is_bound:
        return True
    kind, peers = {"egress": ("Egress", "to"), "ingress": ("Ingress", "from")}[direction]
    over = [
        one["spec"]
        for one in system.of("NetworkPolicy")
        if kind in one["spec"]["policyTypes"] and matches(one["spec"]["podSelector"], bound.labels)
    ]
    rules = [rule for spec in over for rule in spec.get(direction) or []]
    return not over or any(is_chosen(rule.get(peers), other) and is_open(rule.get("ports"), port) for rule in rules)


def flows(system):
    """Exactly the wanted connections can be made, and neither end is open to more than that by itself."""
    expected = wanted(system)
    everybody = list(parties(system))
    leaving, coming = (
        {
            (source.name, target.name, port)
            for source in everybody
            for target in everybody
            if source.is_bound or target.is_bound
            for port in [*target.ports, ANY]
            if (
                is_let(system, "egress", source, target, port)
                if end == "leaving"
                else is_let(system, "ingress", target, source, port)
            )
        }
        for end in ["leaving", "coming"]
    )
    bound = {party.name for party in everybody if party.is_bound}
    for source, target, port in sorted((leaving & coming) - expected, key=str):
        yield f"{source} may reach {target} on {'any port' if port == ANY else port}"
    for source, target, port in sorted(leaving - coming - expected, key=str):
        if source in bound:
            yield f"{source} is let out to {target} on {port}"
    for source, target, port in sorted(coming - leaving - expected, key=str):
        if target in bound:
            yield f"{target} lets {source} in on {port}"
    for source, target, port in sorted(expected - (leaving & coming), key=str):
        yield f"{source} cannot reach {target} on {port}"
