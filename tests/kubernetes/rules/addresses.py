"""Whether everybody is told where those are whom it asks, and listens where it is asked."""

import re

from rules.flows import wanted
from rules.wiring import matches, named
from texts import EVERYWHERE, HERE
from texts import addresses as told


def texts(system, workload):
    """Whatever tells a program of addresses: its environment, commands and files; and whether it is kept secret."""
    for container in workload.containers:
        yield from ((variable["value"], False) for variable in container.get("env", []) if "value" in variable)
        yield " ".join(container.get("command", []) + container.get("args", [])), False
        hooks = [container.get(f"{kind}Probe", {}) for kind in ["startup", "readiness", "liveness"]]
        for hook in hooks + list(container.get("lifecycle", {}).values()):
            yield " ".join(hook.get("exec", {}).get("command", [])), False
    for who, kind, name, key in named(system):
        if who == workload.name:
            one = system.one("ConfigMap", name) if kind == "ConfigMap" else None
            values = system.secrets.get(name, {}) if kind == "Secret" else one["data"] if one else {}
            yield from ((value, kind == "Secret") for at, value in values.items() if key in (None, at))


def found(system, host):
    """The Service that a name leads to from our namespace, which may be said as DNS lets it be, and the pod of it that is meant."""
    [space] = [one["metadata"]["name"] for one in system.of("Namespace")]
    pod, _, name = re.sub(rf"\.{space}(\.svc(\.cluster\.local)?)?$", "", host).rpartition(".")
    service = system.one("Service", name)
    return (service if service and service["metadata"]["namespace"] == space else None), pod


def astray(system, address):
    """Why nobody is reached there, if so."""
    service, pod = found(system, address.host)
    if not service or address.port not in [port["port"] for port in service["spec"]["ports"]]:
        yield f"{address.host}:{address.port} is no Service's"
    elif not pod and service["spec"].get("clusterIP") == "None":
        yield f"{address.host} has no address of its own: that of a pod is remembered when it is another's"
    elif pod:
        governed = [one for one in system.workloads() if one.object["spec"].get("serviceName") == service["metadata"]["name"]]
        # Who is alone asks none of its peers, whoever is named.
        if not any(one.most == 1 or pod in [f"{one.name}-{number}" for number in range(one.most)] for one in governed):
            yield f"{address.host} is no pod's"


def addresses(system):
    """Every address is that of a Service or of one pod behind a headless one, all of them are the flows that are wanted between
    our pods, and each listens where its ports are."""
    workloads, asked = {one.name: one for one in system.workloads()}, set()
    for workload in workloads.values():
        listening, declared = set(), {port["containerPort"] for port in workload.ports}
        for text, is_secret in texts(system, workload):
            for address in told(text):
                if address.host == EVERYWHERE:
                    listening.add(address.port)
                    continue
                if address.host in HERE:
                    if address.port not in declared:
                        yield f"{workload.name} asks itself at {address.port}, which is none of its ports"
                    continue
                yield from (f"{workload.name}: {fault}" for fault in astray(system, address))
                if is_secret and not (address.user and address.password):
                    yield f"{workload.name} reaches {address.host}:{address.port} without a credential"
                if address.password and not is_secret:
                    yield f"{workload.name} is told a password of {address.host} in the open"
                service, _ = found(system, address.host)
                for port in service["spec"]["ports"] if service else []:
                    if port["port"] == address.port:
                        asked |= {
                            (workload.name, other.name, other.port(port["targetPort"]))
                            for other in workloads.values()
                            if matches({"matchLabels": service["spec"]["selector"]}, other.labels)
                        }
        # Stores and exporters need not say where they listen.
        for port in sorted(listening ^ declared if workload.is_ours else listening - declared):
            yield f"{workload.name} listens at {port}, or has it among its ports, and not both"
    between = {(source, target, port) for source, target, port in wanted(system) if {source, target} <= set(workloads)}
    for source, target, port in sorted(asked - between, key=str):
        yield f"{source} asks {target} at {port}, which is not wanted"
    for source, target, port in sorted(between - asked, key=str):
        yield f"{source} is not told of {target} at {port}"
