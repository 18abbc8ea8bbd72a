"""Who is in which network, asks whom, waits for whom, holds which secret, and is open to whom, in each stack."""

from pathlib import Path
import re

from stack import EVERYWHERE, KINDS, names, published, waits
from rules.pods import NEEDED, SECRET
from texts import HERE
import images

PROGRAMS = {"command-service", "query-service", "projector"}
NODES = {"nats-1", "nats-2", "nats-3"}
WITH_STORES = {*PROGRAMS, "migrate", "assistant"}
# Who may begin before those that it asks: what it watches may be ill.
WATCHES = {"prometheus"}
# Who is in a network. Where it leads outside, they reach the world.
NETWORKS = {
    "development": {
        "default": {"nats", "postgres", "redis", "migrate", *PROGRAMS},
        "stores": {"postgres", "redis"},
        "metrics": PROGRAMS,
    },
    "production": {
        "outside": {"proxy", "assistant"},
        "services": {"proxy", "command-service", "query-service"},
        "log": NODES | WITH_STORES,
        "peers": NODES,
        "stores": {"postgres", "redis"} | WITH_STORES,
        "metrics": {*PROGRAMS, "assistant"},
    },
    "monitoring": {
        "metrics": {"prometheus"},
        "stores": {"postgres-exporter", "redis-exporter", "monitor-role"},
        "exporters": {"prometheus", "postgres-exporter", "redis-exporter", "node-exporter"},
        "operators": {"prometheus", "alertmanager", "grafana"},
        "receivers": {"alertmanager"},
    },
}
LEADING_OUTSIDE = {"development": {"default"}, "production": {"outside"}, "monitoring": {"receivers"}}
# The only way in where there is one, and the only one that is not on loopback.
DOORS = {"production": {"proxy"}}
# Who may hold what could erase the log or the database, or log in as anybody.
POWERS = {
    "nats_admin_url": {"migrate"},
    "nats_passwords.conf": {"nats", *NODES},
    "nats_peers.conf": NODES,
    "postgres_password": {"postgres", "monitor-role"},
    "secret_key": {"command-service", "query-service"},
    "accepted_keys": {"command-service", "query-service"},
    "tls.key": {"proxy"},
}
# What is not ours to make; docs/images.md says that it must be there.
PROVIDED = {"llm_key"}
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"


def elsewhere(where, stack):
    """Who is in a network that is not wanted, or not in one that is; and networks that lead outside."""
    wanted = NETWORKS[where]
    found = {network: {name for name in stack.services if network in stack.networks_of(name)} for network in wanted}
    for network in sorted(set(stack.networks) - set(wanted)):
        yield f"network {network} is not known"
    for name in stack.services:
        for network in sorted(stack.networks_of(name) - set(wanted)):
            yield f"{name}: is in {network}"
    for network, members in wanted.items():
        for name in sorted(found[network] ^ members):
            yield f"{name}: is {'in' if name in found[network] else 'not in'} {network}"
    for name, network in stack.networks.items():
        network = network or {}
        closed = network.get("internal") or network.get("driver_opts", {}).get(MASQUERADE) == "false"
        if bool(closed) == (name in LEADING_OUTSIDE[where]):
            yield f"network {name}: leads {'nowhere' if closed else 'outside'}"


def unnamed(stack):
    """What a service uses, and the stack does not have."""
    for name, service in stack.services.items():
        volumes = [mount.split(":")[0] for mount in service.get("volumes", [])]
        used = {"volumes": [volume for volume in volumes if "/" not in volume], "networks": stack.networks_of(name) - {"default"}}
        used |= {kind: names(service.get(kind)) for kind in ("configs", "secrets")}
        for kind in sorted(set(used) & set(KINDS)):
            yield from (f"{name}: {one} is not among the {kind}" for one in used[kind] if one not in getattr(stack, kind))


def lost(stack):
    """Who is told to ask somebody that is not there, does not listen there, is not reached, or is not waited for."""
    ports = {name: stack.listens(name) for name in stack.services}
    for name in stack.services:
        for host, port in sorted({(one.host, one.port) for one in stack.told(name)}):
            if host in {EVERYWHERE, *HERE}:
                continue
            asked, _ = stack.named(name, host)
            if not asked:
                yield f"{name}: finds no {host}"
            elif port not in ports[asked]:
                yield f"{name}: {asked} does not listen at {port}"
            # The log's nodes need each other to begin.
            elif name not in WATCHES and not {name, asked} <= NODES and asked not in stack.awaited(name):
                yield f"{name}: does not wait for {asked}"


def hasty(stack):
    """Who starts before what it needs is healthy, and programs that start before there are tables."""
    for name, service in stack.services.items():
        for needed, how in waits(service).items():
            if needed not in stack.services:
                yield f"{name}: waits for {needed}, which is not there"
                continue
            other = stack.services[needed]
            check = other.get("healthcheck", {"disable": images.built(other) is None})
            if how["condition"] == "service_started" or how.get("required") is False:
                yield f"{name}: does not wait for {needed} to be healthy"
            elif how["condition"] == "service_healthy" and check.get("disable"):
                yield f"{name}: waits for {needed}, of which nobody says that it is healthy"
        if images.built(service) not in (None, "proxy") and name != "migrate" and "migrate" not in stack.awaited(name):
            yield f"{name}: does not wait for migrate"


def open_to_others(where, stack):
    """Ways in but for the door: any where there is one, and else those that are not on loopback."""
    doors = DOORS.get(where, set())
    for name, service in stack.services.items():
        for host, port in published(service):
            if name not in doors and (doors or host != "127.0.0.1"):
                yield f"{name}: {port} is open at {host}"
        if service.get("network_mode"):
            yield f"{name}: is in the network of {service['network_mode']}"


def unheld(stack):
    """Secrets that the script does not make, that are held by whom they give too much or for nothing, or that are missing."""
    for name, secret in stack.secrets.items():
        if set(secret) != {"file"} or not (name in PROVIDED or (stack.made / Path(secret["file"]).name).exists()):
            yield f"secret {name}: deploy/compose/secrets does not make it"
    for name, service in stack.services.items():
        held, text = dict(stack.held(name)), "\n".join(stack.texts(name))
        for file, path in held.items():
            if name not in POWERS.get(file, {name}):
                yield f"{name}: holds {file}"
            if Path(path).name not in text:
                yield f"{name}: holds {file} for nothing"
        for path in sorted(set(re.findall(r"/run/secrets/[\w.-]+", text)) - set(held.values())):
            yield f"{name}: has no {path}"
        needed = NEEDED.get(name, set()) & SECRET if images.built(service) else set()
        for setting in sorted(needed - {name.removesuffix("_FILE") for name in service.get("environment", {})}):
            yield f"{name}: is not given {setting}"
