"""Reads compose files as their specification says, and holds the stacks, and monitoring over each, to their promises."""

from pathlib import Path
import re
import sys

from compose_spec import PyOptions
import yaml

from stack import Stack, read
import breaks
import images
import log
import overlay
import wiring

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
        for setting in service.get("environment", {}):
            if setting.endswith(SECRETS) and setting not in OPEN:
                yield f"{name}: {setting} is in the environment"


def unknown(services, settings):
    """Settings that a program of ours is given, and does not know."""
    for name, service in services.items():
        if images.built(service) not in (None, "proxy"):
            for setting in service.get("environment", {}).keys() - settings:
                yield f"{name}: is given {setting}, which is no setting"


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


def alone(services):
    """Services that production promises twice, and has not."""
    for name, service in services.items():
        if "build" in service and name not in ("migrate", "proxy") and service["deploy"].get("replicas") != 2:
            yield f"{name}: is not there twice"


def unreadable(stack):
    """What its specification says of it; merge keys are written out, which the reader does not know."""
    try:
        PyOptions().from_yaml(yaml.dump(stack.said, Dumper=yaml.CSafeDumper)).validate()
    except ValueError as error:
        yield str(error)


def astray(stack):
    """What is said of a stack, by itself or with another over it, and is not so."""
    for rule in (unreadable, wiring.unnamed, wiring.lost, wiring.hasty, wiring.unheld):
        yield from rule(stack)


def faults(folder, secrets):
    """All that is wrong with the compose files of a folder, for which the script made these secrets."""
    example, manual = (Path(name).read_text(encoding="utf-8") for name in (".env.example", "docs/images.md"))
    settings = set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)) | set(re.findall(r"\b[A-Z_]+_FILE\b", example))
    files = {name: Stack(read(folder / f"{name}.yaml"), folder, secrets) for name in ("development", "production", "monitoring")}
    monitoring, production = files["monitoring"], files["production"].services
    checks = [
        ("production.yaml", [*broken(production), *alone(production)]),
        ("monitoring.yaml", [*broken(monitoring.services), *overlay.broken(monitoring)]),
        ("nats.conf", log.lax(monitoring)),
    ]
    for name, stack in files.items():
        by_itself = [*exposed(stack.services), *unknown(stack.services, settings)]
        by_itself += unexplained(folder / f"{name}.yaml", settings, manual)
        by_itself += [*wiring.elsewhere(name, stack), *wiring.open_to_others(name, stack), *log.passing(stack)]
        checks.append((f"{name}.yaml", by_itself))
    for name in ("development", "production"):
        over = files[name].under(monitoring)
        checks.append((f"{name}.yaml", [*astray(files[name]), *log.scattered(name, files[name])]))
        checks.append((f"monitoring.yaml over {name}.yaml", [*astray(over), *overlay.astray(files[name], monitoring, over)]))
    return [f"{where}: {fault}" for where, found in checks for fault in found]


def main():
    folder, secrets = Path(sys.argv[1]), Path(sys.argv[2])
    if unknown := sorted(path.name for path in folder.glob("*.yaml") if path.stem not in wiring.NETWORKS):
        sys.exit(f"no rule is for {unknown}")
    if found := faults(folder, secrets) or list(breaks.unnoticed(folder, secrets, faults)):
        sys.exit("\n".join(found))


main()
