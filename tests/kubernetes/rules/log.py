"""Whether the log is kept as it must be."""

import re

from manifests import ROOT


def rights(text):
    """What each user of a NATS configuration is denied and allowed, as the text says it."""
    text = re.sub(r"\s+", " ", text.replace("{{", "{").replace("}}", "}"))
    users = re.findall(
        r'user: "(admin|services|subscriber)", password: \S+ (.*?)(?=\{ user:|\] \})', text.replace("] } } }", "]}}}")
    )
    return {user: re.sub(r"[\s}{]", "", rest) for user, rest in users}


def log(system):
    """Nobody but the administrator can change it, it is synced and replicated as far as it can be, and its servers go in turn."""
    config = system.one("ConfigMap", "syncboard-nats")["data"]
    ours, private = rights(config["nats.conf"]), rights((ROOT / "compose/src/servers/nats.rs").read_text())
    if set(private) != {"admin", "services", "subscriber"}:
        yield f"the private server's users are not found: {private}"
    for user in sorted(set(private) | set(ours)):
        if ours.get(user) != private.get(user):
            yield f"{user} may do other things than on the private server"
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
    for name, policy in [("nats", "Retain"), ("postgres", "Retain")]:
        kept = system.workload(name).object["spec"].get("persistentVolumeClaimRetentionPolicy", {})
        if not system.workload(name).object["spec"].get("volumeClaimTemplates") or set(kept.values()) - {policy}:
            yield f"what {name} holds may be thrown away"
