"""Whether the log is kept as it must be."""

import re

from manifests import ROOT, bytes_of_nats, quantity
from texts import excess


def sizes(system):
    """In bytes: what the services' account may store on each server, that server on its disk, and the disk's own size."""
    config, nats = system.one("ConfigMap", "syncboard-nats")["data"], system.workload("nats")
    server = re.search(r"max_file_store: (\w+)", config["nats.conf"])
    account = re.search(r"^account_max_file: (\w+)$", config["cluster.conf"], re.MULTILINE)
    is_limited = "jetstream: { max_file: $account_max_file }" in config["nats.conf"]
    [disk] = [claim["spec"] for claim in nats.object["spec"].get("volumeClaimTemplates", [])] or [None]
    return (
        bytes_of_nats(account[1]) / nats.most if account and is_limited else None,
        bytes_of_nats(server[1]),
        quantity(disk["resources"]["requests"]["storage"]) if disk else 0,
    )


def room(system):
    """Services are told of an end of the log's room, and it comes before that of a server, and that before the disk's."""
    account, server, disk = sizes(system)
    if account is None:
        yield "the account has no limit: no service sees the log's room end"
        return
    if account > server * 0.9:
        yield f"a server ends at {server:.3g}, and nobody hears of it: the account may store {account:.3g} on each"
    if account < server * 0.7:
        yield f"of {server:.3g} on a server the account may use no more than {account:.3g}: are replicas counted?"
    if server > disk * 0.95:
        yield f"a server may store {server:.3g} on a disk of {disk:.3g}"


def log(system):
    """Nobody but the administrator can change it, it is synced and replicated as far as it can be, and its servers go in turn."""
    config = system.one("ConfigMap", "syncboard-nats")["data"]
    yield from excess(config["nats.conf"], (ROOT / "compose/src/servers/nats.rs").read_text())
    if 'sync_interval: "always"' not in config["nats.conf"]:
        yield "an acknowledged event may not be on any disk"
    nats = system.workload("nats")
    replicas = int(system.settings_of(system.workload("migrate"))["SYNCBOARD_NATS_REPLICAS"])
    if replicas != nats.most or replicas not in (1, 3, 5):
        yield f"{replicas} replicas are asked of {nats.most} servers"
    is_clustered = "routes: $NATS_ROUTES" in config["cluster.conf"]
    if is_clustered != (nats.most > 1):
        yield "the servers do not know each other" if nats.most > 1 else "one server waits for others"
    if is_clustered and "authorization" not in config["cluster.conf"]:
        yield "anybody may join the servers"
    if nats.most > 1:
        if nats.object["spec"].get("podManagementPolicy") != "Parallel":
            yield "the first server waits for itself to be ready"
        if not any(
            one["topologyKey"] == "kubernetes.io/hostname" and one["whenUnsatisfiable"] == "DoNotSchedule"
            for one in nats.pod["topologySpreadConstraints"]
        ):
            yield "two servers may fail with one machine"
        if not system.one("Service", "nats-peers")["spec"].get("publishNotReadyAddresses"):
            yield "servers that are not ready do not find each other"
    elif nats.object["spec"].get("podManagementPolicy") == "Parallel":
        # Nothing else that cannot be changed tells one server from three.
        yield "three servers can be made of this one, and would not know its log"
    patience = int(re.search(r"lame_duck_duration: (\d+)s", config["nats.conf"])[1])
    if nats.pod["terminationGracePeriodSeconds"] < patience + 15:
        yield "a server is killed before it has handed over"
