"""An overlay on a cluster of its own, brought there by the commands of deploy/kubernetes/README.md."""

import re
import shutil
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from control_plane import ControlPlane, Refused
from machines import Machine, Machines, stamp
from manifests import DEPLOY, System, load, quantity

NAMESPACE = "syncboard"
# What README.md says is needed at least.
MACHINES = {
    "small": [Machine("alone", "zone-a", 4, 8)],
    "production": [Machine(f"machine-{zone}", f"zone-{zone}", 8, 16) for zone in "abc"],
}
# As much of what the operator of Prometheus brings as is used here.
TEXT = {"type": "string"}


def texts(*names):
    return {"type": "object", "properties": dict.fromkeys(names, TEXT)}


def every(item):
    return {"type": "array", "items": item}


def labels():
    return {"type": "object", "additionalProperties": TEXT}


RELABELING = texts("action", "replacement", "targetLabel", "regex")
RULE = texts("alert", "record", "expr", "for")
RULE["properties"] |= {"labels": labels(), "annotations": labels()}
ENDPOINT = texts("port", "path", "interval")
ENDPOINT["properties"]["relabelings"] = every(RELABELING)
GROUP = texts("name", "interval")
GROUP["properties"]["rules"] = every(RULE)
OF_PROMETHEUS = {
    "ServiceMonitor": {
        "selector": {"type": "object", "properties": {"matchLabels": labels()}},
        "endpoints": every(ENDPOINT),
    },
    "PrometheusRule": {"groups": every(GROUP)},
}


def definition(kind, properties):
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [version],
        },
    }


# What passes: a quota is not reckoned yet, an account is not known yet, a second after it was made. Whoever made the pod tries
# again, as the scheduler does.
PASSING = ["status unknown for quota", "not found"]
SETTLED = timedelta(seconds=10)


class Installation:
    """Use it in `with`: it ends what it started. `changes` are of files: name, old and new text."""

    def __init__(self, overlay, programs, changes=()):
        self.overlay, self.temporary = overlay, tempfile.TemporaryDirectory(prefix="syncboard-cluster-")
        self.folder = Path(self.temporary.name)
        self.deploy = self.folder / "deploy/kubernetes"
        shutil.copytree(DEPLOY.parent, self.deploy.parent)
        for change in changes:
            self.change(*change)
        # What commands said that should have said nothing; the most of everything in the quota that was used meanwhile.
        self.said, self.peak = [], {}
        self.plane = ControlPlane(programs, self.folder, [machine.name for machine in MACHINES[overlay]])
        self.api = self.plane.api
        try:
            self.machines = Machines(self.plane, MACHINES[overlay])
        except BaseException:
            self.plane.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.machines.end()
        self.plane.end()
        self.temporary.cleanup()

    def change(self, name, old, new):
        path = self.deploy / name
        text = path.read_text()
        assert old in text, f"{name} does not say {old}"
        path.write_text(text.replace(old, new))

    def readme(self, word):
        """The commands of README.md among which a word is, with this overlay in the place of production."""
        text = (self.deploy / "README.md").read_text()
        [block] = [block for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL) if word in block]
        return block.replace("overlays/production", f"overlays/{self.overlay}")

    def run(self, commands, patience=300):
        """Runs commands as an operator would, and looks on: what can never become well ends them."""
        output = self.folder / "output"
        with output.open("w+") as said, (self.folder / "errors").open("w+") as errors:
            shell = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", commands],
                cwd=self.folder,
                env=self.plane.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=errors,
                start_new_session=True,
            )
            end = time.monotonic() + patience
            try:
                while True:
                    try:
                        shell.wait(0.5)
                        break
                    except subprocess.TimeoutExpired:
                        self.check()
                        self.measure()
                        stuck = list(self.stuck())
                        if stuck or time.monotonic() > end:
                            self.said += stuck or [f"not done after {patience} s"]
                            break
            finally:
                if shell.poll() is None:
                    subprocess.run(["kill", "--", f"-{shell.pid}"], check=False)
                    shell.wait()
                elif shell.returncode:
                    self.said.append(f"ended with {shell.returncode}")
            # Nothing of this has anything to say there but warnings and errors.
            errors.seek(0)
            self.said += [line[:500] for line in errors.read().splitlines() if line]
        return output.read_text()

    def bring_prometheus(self):
        """What its operator would have brought."""
        for kind, properties in OF_PROMETHEUS.items():
            self.api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(kind, properties))
        self.run("kubectl wait --for=condition=established crd --all --timeout=60s")

    def install(self):
        if self.overlay == "production":
            self.bring_prometheus()
        self.run(self.readme("create namespace"))
        tls = re.search(r"`(kubectl -n syncboard create secret tls [^`]*)`", (self.deploy / "README.md").read_text())[1]
        certificate = self.plane.certificate
        self.run(tls.replace("cert=FILE", f"cert={certificate}").replace("key=FILE", f"key={certificate.with_suffix('.key')}"))
        rehearsal, *_ = self.readme("--dry-run=server").splitlines()
        self.run(f"OVERLAY=deploy/kubernetes/overlays/{self.overlay}\n{rehearsal}")
        self.run(self.readme("delete job migrate"))
        return self

    def check(self):
        self.plane.check()
        self.machines.check()

    def measure(self):
        for quota in self.list("resourcequotas"):
            for what, used in quota.get("status", {}).get("used", {}).items():
                self.peak[what] = max(used, self.peak.get(what, "0"), key=quantity)

    def rendered(self):
        done = self.plane.kubectl("kustomize", self.deploy / "overlays" / self.overlay)
        assert done.returncode == 0, done.stderr
        return System(load(done.stdout))

    def path(self, kind, name=""):
        group = {
            "pods": "/api/v1",
            "events": "/api/v1",
            "resourcequotas": "/api/v1",
            "persistentvolumeclaims": "/api/v1",
            "services": "/api/v1",
            "deployments": "/apis/apps/v1",
            "replicasets": "/apis/apps/v1",
            "statefulsets": "/apis/apps/v1",
            "jobs": "/apis/batch/v1",
            "horizontalpodautoscalers": "/apis/autoscaling/v2",
            "poddisruptionbudgets": "/apis/policy/v1",
        }[kind]
        return f"{group}/namespaces/{NAMESPACE}/{kind}{name and '/' + name}"

    def list(self, kind):
        return self.api.list(self.path(kind))

    def status(self, kind, name):
        """What is said of an object, and nothing of one that is not there."""
        try:
            return self.api.get(self.path(kind, name))["status"]
        except Refused as refused:
            if refused.status != 404:
                raise
            return {}

    def pods(self, name=None):
        """Pods that were not told to stop and have not ended, of one program or all."""
        for pod in self.list("pods"):
            is_there = "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] in ("Pending", "Running")
            if is_there and name in (None, pod["metadata"]["labels"].get("app.kubernetes.io/name")):
                yield pod

    def stuck(self):
        """Pods that are refused, have no place for a while, or lack something: a sentence for each."""
        for event in self.list("events"):
            if event["reason"] == "FailedCreate" and not any(reason in event["message"] for reason in PASSING):
                yield f"{event['involvedObject']['kind']} {event['involvedObject']['name']}: {event['message']}"
        for pod in self.list("pods"):
            for condition in pod["status"].get("conditions", []):
                if condition.get("reason") == "Unschedulable" and condition["lastTransitionTime"] < stamp(-SETTLED):
                    yield f"{pod['metadata']['name']} has no place: {condition['message']}"
            for container in pod["status"].get("containerStatuses", []):
                if "waiting" in container["state"]:
                    yield f"{pod['metadata']['name']} cannot start: {container['state']['waiting']['message']}"
