"""Reads compose files as their specification says, and holds the stacks, and monitoring over each, to their promises."""

from pathlib import Path
import re
import sys

from compose_spec import PyOptions
import yaml

import images
import overlay

PROMISES = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
# Settings that hold a secret come from a file; anything else in an environment can be seen by whoever inspects a container.
SECRETS = ("_URL", "_PASSWORD", "_KEY", "_KEYS")
OPEN = {"SYNCBOARD_LLM_URL"}


def exposed(services):
    """What a service could do that none need do, in any stack, and what it shows of its secrets."""
    for name, service in services.items():
        if images.user(service).split(":")[0] in ("root", "0"):
            yield f"{name}: runs as root"
        for promise, value in PROMISES.items():
            if service.get(promise) != value:
                yield f"{name}: {promise} is not {value}"
        for addition in {"cap_add", "devices", "group_add", "pid", "ipc", "userns_mode", "privileged"} & set(service):
            yield f"{name}: {addition} is more than it needs"
        if service.get("network_mode") == "host":
            yield f"{name}: is in the host's network"
        for setting in service.get("environment", {}):
            if setting.endswith(SECRETS) and setting not in OPEN:
                yield f"{name}: {setting} is in the environment"


def unknown(services, settings):
    """Settings that a program of ours is given, and does not know."""
    for name, service in services.items():
        if images.built(service) not in (None, "proxy"):
            for setting in service.get("environment", {}).keys() - settings:
                yield f"{name}: is given {setting}, which is no setting"


def unlimited(services, configuration):
    """Whether the log's account has a limit, without which no service sees its room end; and all else that its servers are told."""
    if not re.search(r"^  jetstream: \{ max_file: \$NATS_MAX_FILE \}$", configuration, re.MULTILINE):
        yield "nats.conf: the account has no limit"
    for name, service in services.items():
        if name.startswith("nats"):
            for setting in set(re.findall(r"\$(NATS_[A-Z_]+)", configuration)) - service["environment"].keys():
                yield f"{name}: is not given {setting}"


def unexplained(path, settings, manual):
    """What can be set from outside a file, and stands in no document."""
    for setting in set(re.findall(r"\$\{([A-Z_]+)", path.read_text(encoding="utf-8"))) - settings:
        if f"`{setting}`" not in manual:
            yield f"{setting} is not in docs/images.md"


def broken(services):
    """Every promise of how it runs that a service breaks."""
    for name, service in services.items():
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        for limit in ("cpus", "memory", "pids"):
            if limit not in limits:
                yield f"{name}: no limit of {limit}"
        if "healthcheck" not in service and "build" not in service:
            yield f"{name}: no health check"
        if "default" in service.get("networks", ["default"]):
            yield f"{name}: not in networks of its own"
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_started":
                yield f"{name}: does not wait for {needed} to be healthy"


def unlike_production(stack):
    """What the production stack promises besides."""
    for name, service in stack["services"].items():
        if "build" in service and name not in ("migrate", "assistant", "proxy") and service["deploy"].get("replicas") != 2:
            yield f"{name}: is not there twice"
    for name, network in stack["networks"].items():
        if name != "outside" and not network.get("internal"):
            yield f"network {name}: leads outside"


def read(path):
    """A compose file with variables as they are when nobody sets them."""
    return yaml.safe_load(re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", path.read_text(encoding="utf-8")))


def unreadable(stack):
    """What its specification says of it; merge keys are written out, which the reader does not know."""
    try:
        PyOptions().from_yaml(yaml.safe_dump(stack)).validate()
    except ValueError as error:
        yield str(error)


folder, secrets = Path(sys.argv[1]), Path(sys.argv[2])
stacks = {name: read(folder / f"{name}.yaml") for name in ("development", "production")}
monitoring = read(folder / "monitoring.yaml")
example, manual = (Path(name).read_text(encoding="utf-8") for name in (".env.example", "docs/images.md"))
settings = set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)) | set(re.findall(r"\b[A-Z_]+_FILE\b", example))
checks = {
    "production.yaml": [*broken(stacks["production"]["services"]), *unlike_production(stacks["production"])],
    "monitoring.yaml": [*broken(monitoring["services"]), *overlay.broken(monitoring, folder, secrets)],
}
for path in sorted(folder.glob("*.yaml")):
    services = read(path)["services"]
    checks[f"{path.name} in itself"] = [*exposed(services), *unknown(services, settings), *unexplained(path, settings, manual)]
for name, stack in stacks.items():
    over = overlay.merged(stack, monitoring)
    checks[f"{name}.yaml as it is written"] = unreadable(stack)
    checks[f"the log of {name}.yaml"] = unlimited(stack["services"], (folder / "nats.conf").read_text(encoding="utf-8"))
    checks[f"monitoring.yaml over {name}.yaml"] = [*unreadable(over), *overlay.astray(stack, monitoring, over, folder)]
faults = [f"{where}: {fault}" for where, found in checks.items() for fault in found]
if faults:
    sys.exit("\n".join(faults))
