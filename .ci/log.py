"""Whether each stack keeps the log and the database as it must: on how many nodes, where, and who may change it."""

from pathlib import Path
import re

import images
from texts import excess, within

PRIVATE = Path("compose/src/servers/nats.rs")
# How many nodes keep the log, and replicas of it.
NODES = {"development": 1, "production": 3}


def folder(stack, name):
    """Where a store keeps what must outlive its container; redis keeps nothing."""
    kind = images.kind(stack.services[name])
    if kind == "nats":
        return re.search(r'store_dir: "(.*?)"', (stack.folder / "nats.conf").read_text(encoding="utf-8"))[1]
    is_store = kind == "postgres" and "entrypoint" not in stack.services[name]
    return stack.services[name].get("environment", {}).get("PGDATA", "/var/lib/postgresql/data") if is_store else None


def lax(stack):
    """Who may do more at the log than at the private server, and what no service would hear of."""
    configuration = (stack.folder / "nats.conf").read_text(encoding="utf-8")
    yield from excess(configuration, PRIVATE.read_text(encoding="utf-8"))
    # Without a limit no service sees the log's room end.
    if not re.search(r"^  jetstream: \{ max_file: \$NATS_MAX_FILE \}$", configuration, re.MULTILINE):
        yield "the account has no limit"


def scattered(where, stack):
    """Nodes and replicas that are not as many as they should be, do not know each other, or are not told what they need."""
    nodes = {name: service for name, service in stack.services.items() if images.kind(service) == "nats"}
    asked = int(stack.services["migrate"].get("environment", {}).get("SYNCBOARD_NATS_REPLICAS", 1))
    if not asked == len(nodes) == NODES[where]:
        yield f"{asked} replicas are asked of {len(nodes)} nodes, where {NODES[where]} are wanted"
    peers = {one.host for name in nodes for one in stack.told(name) if one.port == 6222 and one.user}
    if len(nodes) > 1 and peers != set(nodes):
        yield f"the nodes {sorted(nodes)} know {sorted(peers)}"
    for name, service in nodes.items():
        configurations = "\n".join(stack.texts(name))
        for setting in sorted(set(re.findall(r"\$(NATS_[A-Z_]+)", configurations)) - set(service.get("environment", {}))):
            yield f"{name}: is not given {setting}"
        read = stack.seen(str(service["command"][-1]), name)
        if not read or ("cluster {" in read.read_text(encoding="utf-8")) != (len(nodes) > 1):
            yield f"{name}: is {'alone' if len(nodes) > 1 else 'one of several'} by its configuration"
        if service.get("environment", {}).get("NATS_NAME") != name:
            yield f"{name}: has another's name"


def passing(stack):
    """Stores that do not keep what they hold on a volume of their own."""
    taken = {}
    for name, service in stack.services.items():
        path = folder(stack, name)
        volumes = [mount.split(":") for mount in service.get("volumes", [])]
        below = [source for source, target, *_ in volumes if path and within(path, target)]
        if path and (not below or below[0] not in stack.volumes):
            yield f"{name}: keeps {path} on no volume"
        for volume in below:
            if taken.setdefault(volume, name) != name:
                yield f"{name}: keeps what it holds where {taken[volume]} does"
