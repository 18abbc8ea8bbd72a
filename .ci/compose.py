"""Reads compose files as their specification says, and holds the production stack, and monitoring over each, to their promises."""

from pathlib import Path
import re
import sys

from compose_spec import PyOptions
import yaml

import overlay

PROMISES = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
# Settings that hold a secret come from a file; anything else in an environment can be seen by whoever inspects a container.
SECRETS = ("_URL", "_PASSWORD", "_KEY", "_KEYS")
OPEN = {"SYNCBOARD_LLM_URL"}


def broken(services):
    """Every promise that a service breaks."""
    for name, service in services.items():
        for promise, value in PROMISES.items():
            if service.get(promise) != value:
                yield f"{name}: {promise} is not {value}"
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        for limit in ("cpus", "memory", "pids"):
            if limit not in limits:
                yield f"{name}: no limit of {limit}"
        for setting in service.get("environment", {}):
            if setting.endswith(SECRETS) and setting not in OPEN:
                yield f"{name}: {setting} is in the environment"
        if "healthcheck" not in service and "build" not in service:
            yield f"{name}: no health check"
        if service.get("privileged") or service.get("network_mode") == "host" or "default" in service.get("networks", ["default"]):
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
checks = {
    "production.yaml": [*broken(stacks["production"]["services"]), *unlike_production(stacks["production"])],
    "monitoring.yaml": [*broken(monitoring["services"]), *overlay.broken(monitoring, folder, secrets)],
}
for name, stack in stacks.items():
    over = overlay.merged(stack, monitoring)
    checks[f"{name}.yaml as it is written"] = unreadable(stack)
    checks[f"monitoring.yaml over {name}.yaml"] = [*unreadable(over), *overlay.astray(stack, monitoring, over, folder)]
faults = [f"{where}: {fault}" for where, found in checks.items() for fault in found]
if faults:
    sys.exit("\n".join(faults))
