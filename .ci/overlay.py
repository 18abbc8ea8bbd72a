"""What monitoring promises over a stack: that it changes nothing of it, shows itself to nobody else, and finds all that it names."""

import posixpath
import re

import yaml

import images

# The one that may call out, and by which way.
CALLER, WAY_OUT = "alertmanager", "receivers"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
KINDS = ("services", "networks", "volumes", "configs", "secrets")


def merged(stack, monitoring):
    """Both files as one; `astray` sees to it that neither hides anything of the other."""
    return {**stack, **{kind: {**stack.get(kind, {}), **monitoring.get(kind, {})} for kind in KINDS}}


def networks(service):
    """Those that a service is in; without a word it is in the default one."""
    return set(service.get("networks", ["default"]))


def names(used):
    """What a service says that it uses, in the short form or the long one."""
    return [one if isinstance(one, str) else one["source"] for one in used or []]


def mounts(service, stack, folder):
    """Where each path of the host is seen in a container."""
    for mount in service.get("volumes", []):
        source, target, *mode = mount.split(":")
        if "/" in source:
            yield target, (folder / source).resolve(), mode
    for config in service.get("configs", []):
        if config["source"] in stack["configs"]:
            yield config["target"], (folder / stack["configs"][config["source"]]["file"]).resolve(), ["ro"]


def seen(path, service, stack, folder):
    """The host's path for one of a container, or nothing."""
    for target, source, _ in mounts(service, stack, folder):
        if path == target or path.startswith(target + "/"):
            return source / posixpath.relpath(path, target) if path != target else source
    return None


def same(source, glob, committed):
    """Whether a folder that a container sees is the committed one, and holds something."""
    return source == committed.resolve() and any(source.glob(glob))


def broken(monitoring, folder, secrets):
    """Every promise of the overlay by itself that it breaks."""
    for name, service in monitoring["services"].items():
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: {port} is not on loopback"
        for _, source, mode in mounts(service, monitoring, folder):
            if not source.exists():
                yield f"{name}: there is no {source}"
            if mode != ["ro"]:
                yield f"{name}: can write {source}"
        if WAY_OUT in networks(service) and name != CALLER:
            yield f"{name}: can call out"
    for name, network in monitoring["networks"].items():
        closed = (network or {}).get("internal") or (network or {}).get("driver_opts", {}).get(MASQUERADE) == "false"
        if name != WAY_OUT and not closed:
            yield f"network {name}: leads outside"
    for name, secret in monitoring["secrets"].items():
        if not (secrets / secret["file"].rsplit("/", 1)[1]).exists():
            yield f"secret {name}: deploy/compose/secrets does not make it"


def listens(name, stack):
    """Ports at which a service is asked: those that it exposes or publishes, or that its image listens at."""
    service = stack["services"][name]
    ports = {int(port) for port in service.get("expose", [])}
    ports |= {int(port.rsplit(":", 1)[1]) for port in service.get("ports", [])}
    return ports | images.ports(service)


def unreachable(asker, address, stack):
    """Why one service cannot ask another there, if it cannot."""
    name, port = address.rsplit(":", 1)
    if name not in stack["services"]:
        yield f"{asker}: there is no service {name}"
        return
    if int(port) not in listens(name, stack):
        yield f"{asker}: {name} does not listen at {port}"
    shared = networks(stack["services"][asker]) & networks(stack["services"][name])
    # In two, it would be found at two addresses, and counted twice.
    if len(shared) != 1:
        yield f"{asker}: shares {sorted(shared) or 'no network'} with {name}"


def addresses(job, service, stack, folder):
    """Every address that a job of Prometheus asks."""
    for found in job.get("static_configs", []):
        yield from found["targets"]
    for found in job.get("dns_sd_configs", []):
        yield from (f"{name}:{found['port']}" for name in found["names"])
    for found in job.get("file_sd_configs", []):
        for path in found["files"]:
            source = seen(f"/etc/prometheus/{path}", service, stack, folder)
            yield from (target for one in yaml.safe_load(source.read_text()) for target in one["targets"])


def read(path):
    """A file of YAML."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def astray(stack, monitoring, over, folder):
    """What the overlay says of a stack that is not so."""
    for kind in KINDS:
        for name in stack.get(kind, {}).keys() & monitoring.get(kind, {}).keys():
            yield f"changes {name}, of the {kind} of the stack"
    images = {service["image"] for service in stack["services"].values()}
    for name, service in monitoring["services"].items():
        if not re.search(r":v?\d+\.\d+\.\d+", service["image"]) and service["image"] not in images:
            yield f"{name}: {service['image']} is not one version, nor one of the stack"
        for kind in ("networks", "secrets", "configs"):
            for used in names(service.get(kind)):
                if used not in over[kind]:
                    yield f"{name}: {used} is not among the {kind}"
        if "metrics" in networks(service) and name != "prometheus":
            yield f"{name}: can ask for the services' metrics"
        if "exporters" in networks(service) and name != "prometheus" and networks(service) - {"exporters", "stores"}:
            yield f"{name}: is an exporter, and in other networks"

    prometheus, grafana = over["services"]["prometheus"], over["services"]["grafana"]
    configuration, model = read(folder / "prometheus.yml"), read(folder / "../monitoring/prometheus.yml")
    if [job["job_name"] for job in configuration["scrape_configs"]] != [job["job_name"] for job in model["scrape_configs"]]:
        yield "prometheus: its jobs are not those of deploy/monitoring/prometheus.yml"
    jobs = configuration["scrape_configs"] + configuration["alerting"]["alertmanagers"]
    asked = [address for job in jobs for address in addresses(job, prometheus, over, folder)]
    if "assistant" in over["services"]:
        asked += [target for one in read(folder / "assistant.yml") for target in one["targets"]]
    for address in asked:
        yield from unreachable("prometheus", address, over)
    for pattern in configuration["rule_files"]:
        path, _, glob = f"/etc/prometheus/{pattern}".rpartition("/")
        source = seen(path, prometheus, over, folder)
        if not same(source, glob, folder / "../monitoring/rules"):
            yield f"prometheus: {pattern} are not the rules"

    for target, source, _ in mounts(grafana, over, folder):
        if target.startswith("/etc/grafana/provisioning/datasources/") and source.exists():
            for one in read(source)["datasources"]:
                yield from unreachable("grafana", one["url"].removeprefix("http://"), over)
    provider = seen("/etc/grafana/provisioning/dashboards/syncboard.yml", grafana, over, folder)
    if provider is None or not provider.exists():
        yield "grafana: is not told of dashboards"
        return
    for one in read(provider)["providers"]:
        source = seen(one["options"]["path"], grafana, over, folder)
        if not same(source, "*.json", folder / "../monitoring/grafana/dashboards"):
            yield f"grafana: {one['options']['path']} does not hold the dashboards"
