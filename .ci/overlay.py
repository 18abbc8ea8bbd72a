"""What monitoring promises over a stack: that it changes nothing of it, and finds all that it names."""

import re

import yaml

from stack import KINDS, read


def same(source, glob, committed):
    """Whether a folder that a container sees is the committed one, and holds something."""
    return source == committed.resolve() and any(source.glob(glob))


def broken(monitoring):
    """What it sees of the host and is not there, or can be changed."""
    for name in monitoring.services:
        for _, source, mode in monitoring.mounts(name):
            if not source.exists():
                yield f"{name}: there is no {source}"
            if mode != ["ro"]:
                yield f"{name}: can write {source}"


def unreachable(asker, address, stack):
    """Why one service cannot ask another there, if it cannot."""
    host, port = address.rsplit(":", 1)
    name, shared = stack.named(asker, host)
    if not name:
        yield f"{asker}: finds no {host}"
        return
    if int(port) not in stack.listens(name):
        yield f"{asker}: {name} does not listen at {port}"
    # In two, it would be found at two addresses, and counted twice.
    if len(shared) != 1:
        yield f"{asker}: shares {sorted(shared)} with {name}"


def addresses(job, stack):
    """Every address that a job of Prometheus asks."""
    for found in job.get("static_configs", []):
        yield from found["targets"]
    for found in job.get("dns_sd_configs", []):
        yield from (f"{name}:{found['port']}" for name in found["names"])
    for found in job.get("file_sd_configs", []):
        for path in found["files"]:
            source = stack.seen(f"/etc/prometheus/{path}", "prometheus")
            yield from (target for one in yaml.safe_load(source.read_text()) for target in one["targets"])


def astray(stack, monitoring, over):
    """What the overlay says of a stack that is not so."""
    folder = over.folder
    for kind in KINDS:
        for name in getattr(stack, kind).keys() & getattr(monitoring, kind).keys():
            yield f"changes {name}, of the {kind} of the stack"
    images = {service["image"] for service in stack.services.values()}
    for name, service in monitoring.services.items():
        if not re.search(r":v?\d+\.\d+\.\d+", service["image"]) and service["image"] not in images:
            yield f"{name}: {service['image']} is not one version, nor one of the stack"

    configuration, model = read(folder / "prometheus.yml"), read(folder / "../monitoring/prometheus.yml")
    if [job["job_name"] for job in configuration["scrape_configs"]] != [job["job_name"] for job in model["scrape_configs"]]:
        yield "prometheus: its jobs are not those of deploy/monitoring/prometheus.yml"
    jobs = configuration["scrape_configs"] + configuration["alerting"]["alertmanagers"]
    asked = [address for job in jobs for address in addresses(job, over)]
    if "assistant" in over.services:
        asked += [target for one in read(folder / "assistant.yml") for target in one["targets"]]
    for address in asked:
        yield from unreachable("prometheus", address, over)
    for pattern in configuration["rule_files"]:
        path, _, glob = f"/etc/prometheus/{pattern}".rpartition("/")
        source = over.seen(path, "prometheus")
        if not same(source, glob, folder / "../monitoring/rules"):
            yield f"prometheus: {pattern} are not the rules"

    for target, source, _ in over.mounts("grafana"):
        if target.startswith("/etc/grafana/provisioning/datasources/") and source.exists():
            for one in read(source)["datasources"]:
                yield from unreachable("grafana", one["url"].removeprefix("http://"), over)
    provider = over.seen("/etc/grafana/provisioning/dashboards/syncboard.yml", "grafana")
    if provider is None or not provider.exists():
        yield "grafana: is not told of dashboards"
        return
    for one in read(provider)["providers"]:
        source = over.seen(one["options"]["path"], "grafana")
        if not same(source, "*.json", folder / "../monitoring/grafana/dashboards"):
            yield f"grafana: {one['options']['path']} does not hold the dashboards"
