"""How many there may be, and whether there is room for them."""

import re

from manifests import ROOT, quantity
from rules.wiring import matches

# How many are asked for, by the design: least and most.
BOUNDS = {"command-service": (3, 10), "query-service": (3, 10), "projector": (2, 6)}
# Pools of a process, each of SYNCBOARD_DATABASE_CONNECTIONS.
POOLS = {"command-service": 1, "query-service": 1, "projector": 2, "migrate": 1}
# Connections of operators: rebuild, verify, status, backups.
SPARE = 40
# A projection has as many shards: a further projector has nothing to do.
SHARDS = 16


def autoscaling(system):
    """Each of our services is scaled between sensible bounds, by its processor at least."""
    for name, (_, most) in BOUNDS.items():
        scaler = system.one("HorizontalPodAutoscaler", name)
        if not scaler:
            yield f"{name} is not scaled"
            continue
        spec = scaler["spec"]
        if not 2 <= spec["minReplicas"] <= spec["maxReplicas"] <= most:
            yield f"{name} is scaled between {spec['minReplicas']} and {spec['maxReplicas']}"
        if "replicas" in system.workload(name).object["spec"]:
            yield f"{name}: every apply would undo the autoscaler"
        if not any(metric.get("resource", {}).get("name") == "cpu" for metric in spec["metrics"]):
            yield f"{name} is not scaled by its processor"
    if system.of("ServiceMonitor"):
        for name, bounds in BOUNDS.items():
            scaler = system.one("HorizontalPodAutoscaler", name)
            if scaler and (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) != bounds:
                yield f"{name} in production is not {bounds}"


def budgets(system):
    """Who is more than one has a budget that lets somebody go, and never everybody; the log keeps its majority."""
    budgeted = system.of("PodDisruptionBudget")
    for workload in system.workloads():
        found = [budget["spec"] for budget in budgeted if matches(budget["spec"]["selector"], workload.labels)]
        if workload.most == 1:
            if found:
                yield f"{workload.name} is one, and its machine could never be drained"
            continue
        if len(found) != 1:
            yield f"{workload.name} has {len(found)} budgets"
            continue
        left = found[0].get("minAvailable", workload.least - found[0].get("maxUnavailable", workload.least))
        if not isinstance(left, int) or not 1 <= left < workload.least:
            yield f"of {workload.least} {workload.name} {left} must stay"
        if workload.name == "nats" and left * 2 <= workload.most:
            yield "the log may lose its majority"


def quota(system):
    """All of it at its most fits into the quota, each into the limits of one, and who says nothing is given some."""
    hard = system.one("ResourceQuota", "syncboard")["spec"]["hard"]
    bounds = {limit["type"]: limit for limit in system.one("LimitRange", "syncboard")["spec"]["limits"]}
    for what in ["cpu", "memory"]:
        least, usual, most = (
            quantity(bounds["Container"].get(side, {}).get(what, 0)) for side in ["defaultRequest", "default", "max"]
        )
        if not 0 < least <= usual <= most:
            yield f"who says nothing of {what} is let in with {least:g}, up to {usual:g}, of {most:g}"
    used = dict.fromkeys(
        ["pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "persistentvolumeclaims", "requests.storage"], 0
    )
    for workload in system.workloads():
        pods = workload.crowd
        used["pods"] += pods
        for container in workload.containers:
            for side in ["requests", "limits"]:
                for what in ["cpu", "memory"]:
                    given = quantity(container.get("resources", {}).get(side, {}).get(what, 0))
                    used[f"{side}.{what}"] += pods * given
                    if given > quantity(bounds["Container"]["max"][what]):
                        yield f"{workload.name} may not have so much {what}"
        for claim in workload.object["spec"].get("volumeClaimTemplates", []):
            storage = quantity(claim["spec"]["resources"]["requests"]["storage"])
            used["persistentvolumeclaims"] += workload.most
            used["requests.storage"] += workload.most * storage
            if storage > quantity(bounds["PersistentVolumeClaim"]["max"]["storage"]):
                yield f"{workload.name} may not have so much storage"
    for what, sum in used.items():
        if sum > quantity(hard[what]):
            yield f"{what}: {sum:g} are needed at most, and the quota is {hard[what]}"


def connections(system):
    """The database lets in everybody at the most there may be, who keeps connections until it has stopped, and some operators."""
    needed = SPARE
    for name, pools in POOLS.items():
        workload = system.workload(name)
        each = system.settings_of(workload).get(
            "SYNCBOARD_DATABASE_CONNECTIONS", system.default_settings["SYNCBOARD_DATABASE_CONNECTIONS"]
        )
        needed += workload.crowd * pools * int(each)
    [most] = [
        int(arg.partition("=")[2])
        for arg in system.workload("postgres").pod["containers"][0]["args"]
        if arg.startswith("max_connections=")
    ]
    if needed > most:
        yield f"{needed} connections are needed, and {most} are let in"


def lag(system):
    """The metric that projectors are scaled by is one that they have, that is scraped, and that the adapter serves."""
    scaler = system.one("HorizontalPodAutoscaler", "projector")
    wanted = [metric["pods"]["metric"]["name"] for metric in scaler["spec"]["metrics"] if metric["type"] == "Pods"]
    if scaler["spec"]["maxReplicas"] > SHARDS:
        yield "there are more projectors than shards"
    if system.of("ServiceMonitor") and not wanted:
        yield "projectors are not scaled by lag"
    had = set(re.findall(r'"(syncboard_projector_[a-z_]+)"', (ROOT / "projector/src/metrics.rs").read_text()))
    for name in wanted:
        if name not in had:
            yield f"no projector has {name}"
        if not system.one("ServiceMonitor", "projector"):
            yield f"nobody scrapes {name}"
        served = [rule for rule in system.adapter if rule["name"]["as"] == name]
        if not any(
            rule["seriesQuery"].startswith(name + "{") and set(rule["resources"]["overrides"]) == {"namespace", "pod"}
            for rule in served
        ):
            yield f"the adapter does not serve {name} of pods"
