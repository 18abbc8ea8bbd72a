"""Reads compose files as their specification says, and holds the production stack to its own promises."""

import re
import sys

from compose_spec import PyOptions
import yaml

PROMISES = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
# Settings that hold a secret come from a file; anything else in an environment can be seen by whoever inspects a container.
SECRETS = ("_URL", "_PASSWORD", "_KEY", "_KEYS")
OPEN = {"SYNCBOARD_LLM_URL"}


def broken(stack):
    """Every promise that a service of production breaks."""
    for name, service in stack["services"].items():
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
        if "build" in service and name not in ("migrate", "assistant", "proxy") and service["deploy"].get("replicas") != 2:
            yield f"{name}: is not there twice"
    for name, network in stack["networks"].items():
        if name != "outside" and not network.get("internal"):
            yield f"network {name}: leads outside"


faults = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        # Variables as they are when nobody sets them, merge keys as what they stand for: the reader knows neither.
        stack = yaml.safe_load(re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", file.read()))
    try:
        PyOptions().from_yaml(yaml.safe_dump(stack)).validate()
    except ValueError as error:
        faults.append(f"{path}: {error}")
        continue
    if path.endswith("production.yaml"):
        faults += [f"{path}: {fault}" for fault in broken(stack)]
if faults:
    sys.exit("\n".join(faults))
