"""The rendered objects, and what of the repository they must agree with."""

import copy
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
MONITORING = ROOT / "deploy" / "monitoring"
OVERLAYS = ["production", "small"]

# What is not ours to make, and README.md says must be there.
PROVIDED_SECRETS = {"syncboard-tls": {"tls.crt", "tls.key"}}


def load(text):
    return [document for document in yaml.safe_load_all(text) if document]


def render(kubectl, folder):
    return load(subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True).stdout)


def made_secrets():
    """What the script makes: the values by the names of Secrets and their keys."""
    printed = subprocess.run(["sh", DEPLOY / "secrets"], check=True, capture_output=True, text=True).stdout
    return {secret["metadata"]["name"]: secret["stringData"] for secret in load(printed)}


def quantity(value):
    """A quantity of Kubernetes as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(value)).groups()
    return float(number) * {"": 1, "m": 1e-3, "k": 1e3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}[unit]


def bytes_of_nats(value):
    """A size of a NATS configuration in bytes: to NATS a gigabyte has 1,024 megabytes."""
    number, unit = re.fullmatch(r"([0-9]+)([KMGT])B", value).groups()
    return int(number) * 2 ** {"K": 10, "M": 20, "G": 30, "T": 40}[unit]


def seconds(value):
    """A duration of our settings in seconds."""
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|m|h)", value).groups()
    return int(number) * {"ms": 1e-3, "s": 1, "m": 60, "h": 3600}[unit]


@dataclass
class Workload:
    """A Deployment, StatefulSet or Job, and how many pods of it there may be."""

    object: dict
    least: int
    most: int

    @property
    def kind(self):
        return self.object["kind"]

    @property
    def name(self):
        return self.object["metadata"]["name"]

    @property
    def labels(self):
        return self.object["spec"]["template"]["metadata"].get("labels", {})

    @property
    def pod(self):
        return self.object["spec"]["template"]["spec"]

    @property
    def containers(self):
        return self.pod.get("initContainers", []) + self.pod["containers"]

    @property
    def is_ours(self):
        return any(container["image"].startswith("syncboard/") for container in self.containers)

    @property
    def ports(self):
        return [port for container in self.containers for port in container.get("ports", [])]

    @property
    def surge(self):
        return self.object["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 0)

    @property
    def crowd(self):
        """How many there are at most: in a rollout of a Deployment those that stop are still there beside the new ones."""
        return self.most + max(self.most, self.surge) if self.kind == "Deployment" else self.most

    def port(self, wanted):
        """The number of a port by its name or number; None where there is none."""
        found = [port["containerPort"] for port in self.ports if wanted in (port["name"], port["containerPort"])]
        return found[0] if found else None


@dataclass
class System:
    """Everything that is checked; a rule reads it, a mutation changes a copy of it."""

    objects: list
    adapter: list = field(default_factory=list)
    secrets: dict = field(default_factory=dict)

    def copy(self):
        return System(copy.deepcopy(self.objects), copy.deepcopy(self.adapter), copy.deepcopy(self.secrets))

    def of(self, kind):
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind, name):
        """An object by its name, or by its name before the digest that kustomize adds."""
        found = [one for one in self.of(kind) if re.fullmatch(re.escape(name) + "(-[a-z0-9]{10})?", one["metadata"]["name"])]
        return found[0] if found else None

    def workloads(self):
        for one in self.of("Deployment") + self.of("StatefulSet") + self.of("Job"):
            scaled = [
                scaler["spec"]
                for scaler in self.of("HorizontalPodAutoscaler")
                if scaler["spec"]["scaleTargetRef"]["name"] == one["metadata"]["name"]
            ]
            replicas = one["spec"].get("replicas", 1)
            least, most = (scaled[0]["minReplicas"], scaled[0]["maxReplicas"]) if scaled else (replicas, replicas)
            yield Workload(one, least, most)

    def workload(self, name):
        return next((one for one in self.workloads() if one.name == name), None)

    def settings_of(self, workload):
        """The environment of a workload's containers: names and values, None where the value is a secret."""
        found = {}
        for container in workload.containers:
            for source in container.get("envFrom", []):
                config = self.one("ConfigMap", source.get("configMapRef", {}).get("name", ""))
                found.update(config["data"] if config else {})
            for variable in container.get("env", []):
                found[variable["name"]] = variable.get("value")
            files = self.secret_files(workload, container)
            for name in [name for name in found if name.endswith("_FILE") and found[name] in files]:
                del found[name]
                found[name.removesuffix("_FILE")] = None
        return found

    def secret_files(self, workload, container):
        """Paths at which keys of Secrets are mounted; a file that is mounted by itself does not change with its Secret."""
        volumes = {one["name"]: one["secret"].get("items", []) for one in workload.pod.get("volumes", []) if "secret" in one}
        return {
            f"{mount['mountPath']}/{item['path']}"
            for mount in container.get("volumeMounts", [])
            if "subPath" not in mount
            for item in volumes.get(mount["name"], [])
        }

    @cached_property
    def known_settings(self):
        return set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    @cached_property
    def default_settings(self):
        return dict(re.findall(r"^#([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    @cached_property
    def served_paths(self):
        """The paths that every service answers for its operators."""
        code = (ROOT / "runtime/src/http/operations.rs").read_text()
        return set(re.findall(r'"(/(?:health|metrics)[a-z/]*)"', code))
