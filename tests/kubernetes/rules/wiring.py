"""Whether everything that is named is there, and is chosen by whom it should be."""

import re
from urllib.parse import urlsplit

import yaml
from manifests import PROVIDED_SECRETS

# Of our programs, and of the exporters.
METRICS = "/metrics"
# Who holds one of these could erase the log or the database.
POWERS = {
    ("syncboard-services", "NATS_ADMIN_URL"): {"migrate"},
    ("syncboard-nats", "admin-password"): {"nats"},
    ("syncboard-postgres", "superuser-password"): {"postgres", "monitor-role"},
}


def matches(selector, labels):
    """Whether a label selector chooses labels; nothing chooses by what this does not know."""
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise NotImplementedError(expression["operator"])
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def named(system):
    """Every Secret or ConfigMap key that a pod or an Ingress refers to: who, kind, name, key; no key means all of it."""
    for workload in system.workloads():
        for container in workload.containers:
            for source in container.get("envFrom", []):
                for kind, reference in source.items():
                    yield workload.name, {"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], reference["name"], None
            for variable in container.get("env", []):
                for kind, reference in variable.get("valueFrom", {}).items():
                    if kind != "fieldRef":
                        yield (
                            workload.name,
                            {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}[kind],
                            reference["name"],
                            reference["key"],
                        )
        for volume in workload.pod.get("volumes", []):
            for kind, name in [("configMap", "name"), ("secret", "secretName")]:
                if kind in volume:
                    for item in volume[kind].get("items", [{"key": None}]):
                        yield workload.name, kind[0].upper() + kind[1:], volume[kind][name], item["key"]
    for ingress in system.of("Ingress"):
        for tls in ingress["spec"].get("tls", []):
            for key in ["tls.crt", "tls.key"]:
                yield ingress["metadata"]["name"], "Secret", tls["secretName"], key


def references(system):
    """Every key, ConfigMap, Service, port, volume and scaled object that is referred to exists."""
    secrets = {**{name: set(values) for name, values in system.secrets.items()}, **PROVIDED_SECRETS}
    configs = {one["metadata"]["name"]: set(one["data"]) for one in system.of("ConfigMap")}
    for who, kind, name, key in named(system):
        there = (secrets if kind == "Secret" else configs).get(name)
        if there is None or (key is not None and key not in there):
            yield f"{who}: {kind} {name} has no {key or 'content'}"
    for workload in system.workloads():
        volumes = {volume["name"] for volume in workload.pod.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in workload.object["spec"].get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for container in workload.containers for mount in container.get("volumeMounts", [])}
        for name in sorted(mounted ^ volumes):
            yield f"{workload.name}: volume {name} is mounted or there, and not both"
        governing = workload.object["spec"].get("serviceName")
        service = system.one("Service", governing) if governing else None
        if governing and not service:
            yield f"{workload.name}: {governing} is no Service"
        # Several know each other by name, which a headless one alone gives them.
        elif service and workload.most > 1 and service["spec"].get("clusterIP") != "None":
            yield f"{workload.name}: {governing} is no headless Service"
    for ingress in system.of("Ingress"):
        for host in ingress["spec"]["rules"]:
            for path in host["http"]["paths"]:
                wanted = path["backend"]["service"]
                service = system.one("Service", wanted["name"])
                ports = service["spec"]["ports"] if service else []
                if not any(wanted["port"] in ({"name": port["name"]}, {"number": port["port"]}) for port in ports):
                    yield f"ingress {ingress['metadata']['name']}: {wanted['name']} has no such port"
    for scaler in system.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if not system.one(target["kind"], target["name"]):
            yield f"autoscaler {scaler['metadata']['name']} scales {target['name']}, which is not there"
    for monitor in system.of("ServiceMonitor"):
        chosen = [one for one in system.of("Service") if matches(monitor["spec"]["selector"], one["metadata"].get("labels", {}))]
        for endpoint in monitor["spec"]["endpoints"]:
            if len(chosen) != 1 or endpoint["port"] not in [port["name"] for port in chosen[0]["spec"]["ports"]]:
                yield f"monitor {monitor['metadata']['name']} does not find one port {endpoint['port']}"
            if endpoint["path"] != METRICS or METRICS not in system.served_paths:
                yield f"monitor {monitor['metadata']['name']}: there are no metrics at {endpoint['path']}"


def selectors(system):
    """Every selector chooses exactly the pods of one program, and all of its ports are there."""
    workloads = list(system.workloads())
    names = {one["metadata"].get("namespace") for one in system.objects if one["kind"] != "Namespace"}
    if names != {one["metadata"]["name"] for one in system.of("Namespace")}:
        yield f"objects are in the namespaces {names}"
    for workload in workloads:
        chosen = [other.name for other in workloads if matches({"matchLabels": workload.labels}, other.labels)]
        if chosen != [workload.name]:
            yield f"the labels of {workload.name} are those of {chosen}"
        if workload.kind != "Job" and not matches(workload.object["spec"]["selector"], workload.labels):
            yield f"{workload.name} does not choose its own pods"
        for spread in workload.pod.get("topologySpreadConstraints", []):
            if not matches(spread["labelSelector"], workload.labels):
                yield f"{workload.name} spreads other pods"
        if workload.most > 1 and len(workload.pod.get("topologySpreadConstraints", [])) < 2:
            yield f"{workload.name} is not spread over machines and zones"
    for service in system.of("Service"):
        chosen = [one for one in workloads if matches({"matchLabels": service["spec"]["selector"]}, one.labels)]
        if len(chosen) != 1:
            yield f"service {service['metadata']['name']} chooses {[one.name for one in chosen]}"
            continue
        for port in service["spec"]["ports"]:
            if chosen[0].port(port.get("targetPort", port["port"])) is None:
                yield f"service {service['metadata']['name']} has a port that {chosen[0].name} has not"
            elif service["spec"].get("clusterIP") == "None" and chosen[0].port(port["targetPort"]) != port["port"]:
                yield f"service {service['metadata']['name']} has no address that could translate its port"
    for budget in system.of("PodDisruptionBudget"):
        if len([one for one in workloads if matches(budget["spec"]["selector"], one.labels)]) != 1:
            yield f"budget {budget['metadata']['name']} does not choose one program"
    for policy in system.of("NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        if selector and not any(matches(selector, one.labels) for one in workloads):
            yield f"policy {policy['metadata']['name']} chooses nobody"


def secrets(system):
    """No value of a secret is rendered, nor held by whom it gives too much; what the script makes fits together, and is safe to put
    into an address."""
    for one in system.of("Secret"):
        yield f"Secret {one['metadata']['name']} is rendered"
    services, nats, postgres = (system.secrets.get(f"syncboard-{name}", {}) for name in ["services", "nats", "postgres"])
    pairs = [
        ("DATABASE_URL", postgres.get("role-password")),
        ("NATS_URL", nats.get("services-password")),
        ("NATS_ADMIN_URL", nats.get("admin-password")),
    ]
    for name, password in pairs:
        if urlsplit(services.get(name, "")).password != password:
            yield f"{name} has another password than its server"
    cache = urlsplit(services.get("REDIS_URL", "")).password
    if f">{cache} " not in system.secrets.get("syncboard-redis", {}).get("users.acl", ""):
        yield "REDIS_URL has another password than its server"
    monitor = system.secrets.get("syncboard-monitor", {}).get("password", "")
    if f"user monitor on >{monitor} " not in system.secrets.get("syncboard-redis", {}).get("users.acl", ""):
        yield "the cache's exporter has another password than its server"
    for url in yaml.safe_load(nats.get("routes", "[]")):
        if urlsplit(url).password != nats.get("cluster-password"):
            yield "a route has another password than its peers"
    if len(services.get("SYNCBOARD_SECRET_KEY", "")) < 32:
        yield "SYNCBOARD_SECRET_KEY is too short"
    for password in [*postgres.values(), cache or "", monitor, *(value for name, value in nats.items() if name != "routes")]:
        if not re.fullmatch(r"[a-z][a-z0-9]{24,}", password):
            yield "a password is short, or not of letters and digits, a letter first"
    for who, kind, name, key in named(system):
        for (of, power), holders in POWERS.items():
            if (kind, name) == ("Secret", of) and key in (None, power) and who not in holders:
                yield f"{who} holds {of}/{power}"
    referred = {(name, key) for _, kind, name, key in named(system) if kind == "Secret"}
    for name, values in system.secrets.items():
        for key in values:
            is_for_others = key == "subscriber-password" or (name == "syncboard-monitor" and not system.of("ServiceMonitor"))
            if (name, key) not in referred and not is_for_others:
                yield f"nobody refers to {name}/{key}"
