"""What must hold on a cluster: each takes an Installation and yields a sentence for whatever breaks it."""

import re
from collections import Counter
from functools import partial

from attempts import ATTEMPTS, pod
from control_plane import Refused
from installation import NAMESPACE
from manifests import quantity
from waiting import until

ACCOUNT = f"system:serviceaccount:{NAMESPACE}:"
# Whoever is known to the API server may ask what they may. Nothing else is a right that every account has.
COMMON = {
    "selfsubjectreviews.authentication.k8s.io",
    "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
}
PROGRAMS = ["command-service", "query-service", "projector"]


def taken(here):
    """The API server takes every command of README.md, by the fields that it knows, and warns of nothing."""
    yield from here.said


def complete(here):
    """Every workload has as many pods as it wants; all have a place, and run."""
    yield from here.stuck()
    for workload in here.rendered().workloads():
        found = len(list(here.pods(workload.name)))
        if workload.kind == "Job":
            if here.status("jobs", workload.name).get("succeeded") != 1:
                yield f"{workload.name} has not ended well"
            continue
        kind = f"{workload.kind.lower()}s"
        wanted = workload.least
        ready = here.status(kind, workload.name).get("readyReplicas", 0)
        if (found, ready) != (wanted, wanted):
            yield f"{workload.name}: {found} pods of {wanted}, {ready} of them ready"
    for claim in here.list("persistentvolumeclaims"):
        if claim["status"]["phase"] != "Bound":
            yield f"the claim {claim['metadata']['name']} has no volume"


def spread(here):
    """No machine has so many pods of one workload that its end would leave fewer than two thirds; each zone has one machine."""
    machines = Counter(one["spec"]["nodeName"] for one in here.pods())
    if here.overlay == "small":
        if len(machines) != 1:
            yield f"pods are on {len(machines)} machines"
        return
    for name in [*PROGRAMS, "nats"]:
        found = Counter(one["spec"]["nodeName"] for one in here.pods(name))
        if max(found.values()) > -(-sum(found.values()) // 3):
            yield f"{name} is not spread: {dict(found)}"


def powerless(here):
    """No account may do anything, and no pod has a token."""
    rendered = here.rendered()
    accounts = [one["metadata"]["name"] for one in rendered.of("ServiceAccount")]
    if len(accounts) != len(list(rendered.workloads())):
        yield f"there are {len(accounts)} accounts"
    for account in accounts:
        listed = here.plane.kubectl("auth", "can-i", "--list", "--no-headers", "-n", NAMESPACE, f"--as={ACCOUNT}{account}")
        rights = dict(re.findall(r"^ *(\S+) .*(\[[^]]*\])$", listed.stdout, re.MULTILINE))
        if not set(rights) >= COMMON:
            yield f"what {account} may do is not known: {listed.stdout}{listed.stderr}"
        # What begins with a path is no resource, as versions and health.
        more = [f"{verbs} {what}" for what, verbs in rights.items() if what not in COMMON and not what.startswith("[/")]
        more += [f"{verbs} {what}" for what, verbs in rights.items() if what.startswith("[/") and verbs != "[get]"]
        if more:
            yield f"{account} may {', '.join(more)}"
    for one in here.list("pods"):
        for volume in one["spec"].get("volumes", []):
            if any("serviceAccountToken" in source for source in volume.get("projected", {}).get("sources", [])):
                yield f"{one['metadata']['name']} has a token"


def enforced(here):
    """What is not safe, or too large, or not meant to be, does not come in; what is safe does."""
    for name, kind, one, wanted in ATTEMPTS:
        said = refusal(here, kind, one, "?dryRun=All")
        if bool(said) != bool(wanted) or wanted not in said:
            yield f"{name}: {said or 'is let in'}"


def refusal(here, kind, one, options=""):
    """What the API server says against an object, or nothing."""
    try:
        here.api.post(here.path(kind) + options, one)
    except Refused as refused:
        return refused.message
    return ""


def bounded(here):
    """Small pods come in until the quota is full, and then none. They are given what who says nothing is given."""
    hard, used = (quantity(here.status("resourcequotas", "syncboard")[which].get("pods", 1000)) for which in ["hard", "used"])
    if hard > 100:
        yield f"{hard:g} pods may be there"
        return
    path, made = here.path("pods"), []
    try:
        for _ in range(int(hard - used)):
            made.append(here.api.post(path, pod()))
        said = refusal(here, "pods", pod())
        if "exceeded quota: syncboard" not in said:
            yield f"pod {hard + 1:g}: {said or 'is let in'}"
        given = made[0]["spec"]["containers"][0]["resources"]
        if given != {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}}:
            yield f"a pod that says nothing is given {given}"
    except Refused as refused:
        yield f"pod {used + len(made) + 1:g} of {hard:g}: {refused.message}"
    finally:
        for one in made:
            here.api.delete(f"{path}/{one['metadata']['name']}", gracePeriodSeconds=0)


def budgeted(here):
    """Of each that is more than one a pod may be taken away, and no second one before another has come."""
    budgets = {one["metadata"]["name"]: one for one in here.list("poddisruptionbudgets")}
    several = [one for one in here.rendered().workloads() if one.least > 1]
    if set(budgets) != {one.name for one in several}:
        yield f"budgets are of {sorted(budgets)}"
    for workload in several:
        status = budgets.get(workload.name, {}).get("status", {})
        if status.get("disruptionsAllowed") != 1 or status.get("expectedPods") != workload.least:
            yield f"of {status.get('expectedPods')} {workload.name} {status.get('disruptionsAllowed')} may go"
            continue
        first, second = list(here.pods(workload.name))[:2]
        with here.machines.nothing_starts():
            answers = [evicted(here, first), evicted(here, second)]
        if answers[0] or "disruption budget" not in answers[1]:
            yield f"{workload.name}: two are evicted, and that is answered with {answers}"
    until("all are back", partial(settled, here))
    yield from complete(here)


def evicted(here, one):
    name = one["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}}
    try:
        here.api.post(f"{here.path('pods', name)}/eviction", eviction)
    except Refused as refused:
        return f"{refused.status}: {refused.message}"
    return ""


def autoscaled(here):
    """Each autoscaler finds what it scales, brings it to its least, and says that there are no metrics."""
    for one in here.list("horizontalpodautoscalers"):
        name, spec = one["metadata"]["name"], one["spec"]
        conditions = {which["type"]: which for which in one["status"].get("conditions", [])}
        able, active = (conditions.get(which, {}) for which in ["AbleToScale", "ScalingActive"])
        if able.get("status") != "True":
            yield f"{name} cannot be scaled: {able.get('message')}"
        elif (active.get("status"), active.get("reason")) != ("False", "FailedGetResourceMetric"):
            yield f"{name} is scaled by nothing: {active}"
        elif one["status"]["desiredReplicas"] != spec["minReplicas"]:
            yield f"{name}: {one['status']['desiredReplicas']} are desired, and {spec['minReplicas']} the least"


def repeatable(here):
    """The same again changes nothing, neither what is wanted nor a pod. What apply prints is no sign of that."""
    overlay = here.deploy / "overlays" / here.overlay
    different = here.plane.kubectl("diff", "-k", overlay)
    if different.returncode or different.stdout:
        yield f"there is a difference: {different.stdout}{different.stderr}"
    before = wanted(here)
    applied = here.plane.kubectl("apply", "-k", overlay)
    if applied.returncode or applied.stderr:
        yield applied.stderr
    changed = {name for name, _ in before ^ wanted(here)}
    if changed:
        yield f"applying again changes {sorted(changed)}"


def wanted(here):
    """Everything, and how often what is wanted of it was changed."""
    kinds = ["deployments", "replicasets", "statefulsets", "jobs", "horizontalpodautoscalers", "poddisruptionbudgets", "pods"]
    every = (one["metadata"] for kind in kinds for one in here.list(kind))
    return {(one["name"], (one["uid"], one.get("generation"))) for one in every}


def upgraded(here):
    """At the autoscalers' most, the next version comes by README.md's steps, while whoever stops takes all its time."""
    most = {one.name: one for one in here.rendered().workloads() if one.kind == "Deployment"}
    for name, workload in most.items():
        here.plane.kubectl("-n", NAMESPACE, "scale", f"deployment/{name}", f"--replicas={workload.most}")
    until("all are there", lambda: all(ready(here, name) == one.most for name, one in most.items()) or list(here.stuck()))
    here.change(f"overlays/{here.overlay}/kustomization.yaml", "newTag: 0.1.0", "newTag: 0.2.0")
    before = len(here.said)
    here.peak.clear()
    with here.machines.slow_stops():
        here.run(here.readme("delete job migrate"))
    yield from here.said[before:]
    yield from here.stuck()
    for workload in here.rendered().workloads():
        if workload.name not in most:
            continue
        images = {one["spec"]["containers"][0]["image"] for one in here.pods(workload.name)}
        is_new = images == {workload.pod["containers"][0]["image"]}
        if workload.name in PROGRAMS:
            is_new &= images == {f"syncboard/{workload.name}:0.2.0"}
        if ready(here, workload.name) != workload.most or not is_new:
            yield f"{workload.name}: {ready(here, workload.name)} of {workload.most} are ready, of {images}"
    migrations = [one for one in here.list("pods") if one["metadata"]["labels"].get("app.kubernetes.io/name") == "migrate"]
    images = [one["spec"]["containers"][0]["image"] for one in migrations]
    if images != ["syncboard/projector:0.2.0"]:
        yield f"the migration is {images}"


def ready(here, name):
    return here.status("deployments", name).get("readyReplicas", 0)


def drained(here):
    """A machine is emptied without waiting for its end; a second one must wait, as the log would lose its majority."""
    first, second = sorted({one["spec"]["nodeName"] for one in here.pods("nats")})[:2]
    drain = ["drain", "--delete-emptydir-data", "--ignore-daemonsets"]
    done = here.plane.kubectl(*drain, first, "--timeout=60s")
    if done.returncode:
        yield f"{first} cannot be drained: {done.stderr}"
    left = [one["metadata"]["name"] for one in here.pods() if one["spec"].get("nodeName") == first]
    if left:
        yield f"{left} are still on {first}"
    until("the others have a place", lambda: all(ready(here, name) >= 2 for name in PROGRAMS))
    # The disks are the machine's here, so its stores wait for it.
    for one in here.pods():
        if "nodeName" not in one["spec"] and one["metadata"]["labels"]["app.kubernetes.io/name"] in PROGRAMS:
            yield f"{one['metadata']['name']} has no place"
    [log] = [one for one in here.pods("nats") if one["spec"].get("nodeName") == second]
    said = evicted(here, log)
    if "disruption budget" not in said:
        yield f"the log may lose {second} too: {said or 'it is let go'}"
    here.plane.kubectl("uncordon", first)
    until("all are back", partial(settled, here), 120)


def settled(here):
    """Whether there are as many of each as are wanted now."""
    every = here.list("deployments") + here.list("statefulsets")
    return all(one["status"].get("readyReplicas", 0) == one["spec"]["replicas"] for one in every)


def guarded(here):
    """What has one server for the log cannot be made production in place: three servers would begin with an empty log."""
    before = {one["metadata"]["uid"] for one in here.pods("nats")}
    here.bring_prometheus()
    said, here.overlay = len(here.said), "production"
    try:
        here.run(here.readme("delete job migrate"))
    finally:
        here.overlay = "small"
    refused = [line for line in here.said[said:] if re.search(r'StatefulSet[^ ]* "nats" is invalid', line)]
    if len(refused) != 1:
        yield f"production is laid over it: {here.said[said:]}"
    if {one["metadata"]["uid"] for one in here.pods("nats")} != before:
        yield "the log's server is another one"


def adapted(here):
    """The rule for prometheus-adapter is taken too, and stands where the adapter looks for it."""
    before = len(here.said)
    here.run("kubectl create namespace monitoring\nkubectl apply -k deploy/kubernetes/metrics-adapter")
    yield from here.said[before:]
    rule = here.api.get("/api/v1/namespaces/monitoring/configmaps/syncboard-metrics-adapter")
    if "config.yaml" not in rule["data"]:
        yield f"{rule['metadata']['name']} has no config.yaml"
