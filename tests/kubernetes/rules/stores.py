"""Whether what stores hold outlives their pods, and the database begins as it must."""

import re

from manifests import ROOT, quantity
from texts import statements, within

# What cannot be had again, at all or soon; a cache goes with its StatefulSet.
RETAINED = {"nats", "postgres"}


def folder(system, name):
    """Where a store keeps what it holds, by its own configuration."""
    if name == "postgres":
        return system.settings_of(system.workload(name)).get("PGDATA", "/var/lib/postgresql/data")
    file, said = {"nats": ("nats.conf", r'store_dir: "(.*?)"'), "redis": ("valkey.conf", r"^dir (\S+)$")}[name]
    line = re.search(said, system.one("ConfigMap", f"syncboard-{name}")["data"][file], re.MULTILINE)
    return line[1] if line else None


def kept(system):
    """Every store writes to a claim, which nobody throws away."""
    stores = [one for one in system.workloads() if one.kind == "StatefulSet"]
    if {store.name for store in stores} != {"nats", "postgres", "redis"}:
        yield f"the stores are {[store.name for store in stores]}"
    for store in stores:
        path, spec = folder(system, store.name), store.object["spec"]
        claims = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        over = [
            mount
            for mount in store.pod["containers"][0].get("volumeMounts", [])
            if within(path, mount["mountPath"])
        ]
        nearest = max(over, key=lambda mount: len(mount["mountPath"]), default=None)
        if not nearest or nearest["name"] not in claims:
            yield f"{store.name} keeps what it holds in {path}, which is on no claim"
        retention = spec.get("persistentVolumeClaimRetentionPolicy", {})
        if store.name in RETAINED and set(retention.values()) - {"Retain"}:
            yield f"what {store.name} holds may be thrown away"
    if not re.search(r"^appendonly yes$", system.one("ConfigMap", "syncboard-redis")["data"]["valkey.conf"], re.MULTILINE):
        yield "the cache begins empty whenever its pod does"


def space(system):
    """Commands end before the database fills its volume: beyond the watermark of its limit there is room for the rest."""
    limit = system.settings_of(system.workload("command-service")).get("SYNCBOARD_DATABASE_LIMIT")
    [claim] = system.workload("postgres").object["spec"]["volumeClaimTemplates"]
    volume = quantity(claim["spec"]["resources"]["requests"]["storage"])
    if limit is None:
        yield "the database has no limit: no service sees its volume's room end"
    elif not volume * 0.7 <= quantity(limit.removesuffix("B")) <= volume * 0.9:
        yield f"the database may take {limit} of a volume of {volume:.3g}"


def made(system):
    """The database is made as those of the stacks are, with a password that is there."""
    here, there = system.one("ConfigMap", "syncboard-postgres"), (ROOT / "deploy/compose/postgres.sql").read_text()
    text = here["data"]["syncboard.sql"]
    if statements(text) != statements(there):
        yield "the services' role and database are not those of the stacks"
    for name in re.findall(r"^\\getenv \S+ (\S+)$", text, re.MULTILINE):
        if name not in system.settings_of(system.workload("postgres")):
            yield f"postgres is not given {name}"
