"""What must hold for every pod by itself."""

import re

from manifests import quantity, seconds

VOLUMES = {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim", "downwardAPI", "ephemeral", "csi"}
# What a pod, a container and a port may say of their rights; all else is more than any needs.
SAID = {
    "pod": {"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "seccompProfile"},
    "container": {"allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "runAsUser", "runAsGroup", "runAsNonRoot"},
    "port": {"name", "containerPort", "protocol"},
}
# Settings that hold a credential, and so come from a Secret alone.
SECRET = {
    "DATABASE_URL",
    "NATS_URL",
    "NATS_ADMIN_URL",
    "REDIS_URL",
    "SYNCBOARD_SECRET_KEY",
    "SYNCBOARD_ACCEPTED_KEYS",
    "SYNCBOARD_LLM_KEY",
    "SYNCBOARD_PASSWORD",
}
NEEDED = {
    "command-service": {"SYNCBOARD_COMMAND_LISTEN", "DATABASE_URL", "NATS_URL", "SYNCBOARD_SECRET_KEY"},
    "query-service": {"SYNCBOARD_QUERY_LISTEN", "DATABASE_URL", "NATS_URL", "REDIS_URL", "SYNCBOARD_SECRET_KEY"},
    "projector": {"SYNCBOARD_PROJECTOR_LISTEN", "DATABASE_URL", "NATS_URL", "REDIS_URL"},
    "migrate": {"SYNCBOARD_NATS_REPLICAS", "DATABASE_URL", "NATS_ADMIN_URL"},
}
# What must change without a restart, and so comes from a file that changes with its Secret.
REPLACED = {"DATABASE_URL", "NATS_URL", "REDIS_URL", "SYNCBOARD_SECRET_KEY", "SYNCBOARD_ACCEPTED_KEYS"}
# Who else has the administrator's credential could erase the log.
ADMINISTRATORS = {"migrate"}


def restricted(system):
    """Nobody is root or can become it, as the level `restricted` of pod security wants it."""
    for namespace in system.of("Namespace"):
        for mode in ["enforce", "audit", "warn"]:
            if namespace["metadata"].get("labels", {}).get(f"pod-security.kubernetes.io/{mode}") != "restricted":
                yield f"namespace {namespace['metadata']['name']} does not {mode} restricted"
    if not system.of("Namespace"):
        yield "there is no namespace"
    for workload in system.workloads():
        pod, security = workload.pod, workload.pod.get("securityContext", {})
        for key in ["hostNetwork", "hostPID", "hostIPC"]:
            if pod.get(key):
                yield f"{workload.name}: {key}"
        if security.get("runAsNonRoot") is not True or not security.get("runAsUser") or not security.get("runAsGroup"):
            yield f"{workload.name} may be root"
        for key in sorted(set(security) - SAID["pod"]):
            yield f"{workload.name}: {key}"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{workload.name} has no seccomp profile"
        for volume in pod.get("volumes", []):
            if not set(volume) - {"name"} <= VOLUMES:
                yield f"{workload.name}: volume {volume['name']} is of a kind that is not allowed"
        for container in workload.containers:
            inside, where = container.get("securityContext", {}), f"{workload.name}/{container['name']}"
            for key in sorted(set(inside) - SAID["container"]):
                yield f"{where}: {key}"
            for key in sorted(key for port in container.get("ports", []) for key in set(port) - SAID["port"]):
                yield f"{where}: {key} of a port"
            if inside.get("allowPrivilegeEscalation") is not False:
                yield f"{where} may gain privileges"
            if inside.get("readOnlyRootFilesystem") is not True:
                yield f"{where} may write to its image"
            if inside.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{where} keeps capabilities"
            if inside.get("runAsUser") == 0 or inside.get("runAsNonRoot") is False:
                yield f"{where} is root"


def resources(system):
    """Every container asks for what it needs, and is held to a limit."""
    for workload in system.workloads():
        for container in workload.containers:
            given, where = container.get("resources", {}), f"{workload.name}/{container['name']}"
            for what in ["cpu", "memory"]:
                least, most = given.get("requests", {}).get(what), given.get("limits", {}).get(what)
                if least is None or most is None:
                    yield f"{where} has no request or no limit of {what}"
                elif quantity(least) > quantity(most):
                    yield f"{where} asks for more {what} than its limit"


def probes(system):
    """Whatever goes on running is asked whether it does, at a port and a path that exist."""
    for workload in system.workloads():
        if workload.kind == "Job":
            continue
        for container in workload.containers:
            for kind in ["startupProbe", "readinessProbe", "livenessProbe"]:
                probe, where = container.get(kind), f"{workload.name}: {kind}"
                if not probe:
                    yield f"{where} is missing"
                    continue
                asked = probe.get("httpGet") or probe.get("tcpSocket")
                if asked and workload.port(asked["port"]) is None:
                    yield f"{where} asks a port that is not there"
                if workload.is_ours:
                    path = probe.get("httpGet", {}).get("path")
                    wanted = "/health/ready" if kind == "readinessProbe" else "/health/live"
                    if path not in system.served_paths or path != wanted:
                        yield f"{where} asks {path}, not {wanted}"


def stopping(system):
    """A rollout takes nobody away before another is ready, and cuts off no request."""
    for workload in system.workloads():
        if workload.kind != "Deployment":
            continue
        rolling = workload.object["spec"].get("strategy", {}).get("rollingUpdate", {})
        if rolling.get("maxUnavailable") != 0 or not rolling.get("maxSurge"):
            yield f"{workload.name} goes away before another has come"
        hook = workload.pod["containers"][0].get("lifecycle", {}).get("preStop", {})
        if set(hook) - {"sleep"}:
            yield f"{workload.name}: its image has nothing that preStop could run"
        pause = hook.get("sleep", {}).get("seconds", 0)
        is_balanced = any(
            rule["backend"]["service"]["name"] == workload.name
            for ingress in system.of("Ingress")
            for host in ingress["spec"]["rules"]
            for rule in host["http"]["paths"]
        )
        if is_balanced and pause < 5:
            yield f"{workload.name} stops listening while requests are still sent to it"
        drain = seconds(
            system.settings_of(workload).get("SYNCBOARD_DRAIN_TIMEOUT", system.default_settings["SYNCBOARD_DRAIN_TIMEOUT"])
        )
        body = seconds(system.default_settings["SYNCBOARD_BODY_TIMEOUT"]) + seconds(
            system.default_settings["SYNCBOARD_COMMAND_TIMEOUT"]
        )
        if is_balanced and drain < body:
            yield f"{workload.name} drains for {drain:.0f} s, and a request may take {body:.0f}"
        # The projector drains its requests, and then its batch.
        needed = pause + drain * (2 if workload.name == "projector" else 1) + 5
        if workload.pod.get("terminationGracePeriodSeconds", 30) < needed:
            yield f"{workload.name} is killed before it has drained: it needs {needed:.0f} s"


def images(system):
    """Every image is of one version, and a version is said by a tag or a digest."""
    for workload in system.workloads():
        for container in workload.containers:
            image = container["image"]
            tag = re.fullmatch(r"[^@]+?(?::([^/:@]+))?(@sha256:[0-9a-f]{64})?", image)
            if not tag or (not tag[2] and (not tag[1] or not re.match(r"v?\d+\.\d+", tag[1]))):
                yield f"{workload.name}: {image} may be another one tomorrow"


def accounts(system):
    """Each has an account of its own; none has a token, and none may do anything."""
    taken = {}
    for account in system.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"account {account['metadata']['name']} hands out a token"
    for workload in system.workloads():
        name = workload.pod.get("serviceAccountName")
        if not system.one("ServiceAccount", name or "default"):
            yield f"{workload.name} has the account {name}, which is not there"
        if name in taken:
            yield f"{workload.name} shares the account {name} with {taken[name]}"
        taken[name] = workload.name
        if workload.pod.get("automountServiceAccountToken") is not False:
            yield f"{workload.name} is handed a token"
    for kind in ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]:
        for one in system.of(kind):
            yield f"{kind} {one['metadata']['name']}: no program asks Kubernetes anything"


def settings(system):
    """Our programs are given settings that exist, all that they need, and no credential in the open."""
    for workload in system.workloads():
        if not workload.is_ours:
            continue
        given = system.settings_of(workload)
        for name in sorted(set(given) - system.known_settings):
            yield f"{workload.name} is given {name}, which is no setting"
        for name in sorted(NEEDED[workload.name] - set(given)):
            yield f"{workload.name} is not given {name}"
        for name in sorted(name for name in SECRET & set(given) if given[name] is not None):
            yield f"{workload.name} is given {name} in the open"
        for container in workload.containers if workload.kind != "Job" else []:
            for name in sorted(REPLACED & {variable["name"] for variable in container.get("env", [])}):
                yield f"{workload.name} is given {name}, which stays as it was when the Secret changes"
        if "NATS_ADMIN_URL" in given and workload.name not in ADMINISTRATORS:
            yield f"{workload.name} could erase the log"
