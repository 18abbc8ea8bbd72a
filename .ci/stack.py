"""A compose file, or two as one, as what it says: who is told what, who is where, who listens, and who waits for whom."""

from dataclasses import dataclass
import posixpath
from pathlib import Path
import re

import yaml

import images
from texts import EVERYWHERE, addresses, within

KINDS = ("services", "networks", "volumes", "configs", "secrets")
# Where those listen whose configuration need not say it.
KNOWN = {"postgres": 5432, "redis": 6379}


def read(path):
    """A compose file with variables as they are when nobody sets them, and `$$` as it is handed on."""
    text = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", path.read_text(encoding="utf-8"))
    return yaml.load(text.replace("$$", "$"), yaml.CSafeLoader)


def names(used):
    """What a service says that it uses, in the short form or the long one."""
    return [one if isinstance(one, str) else one["source"] for one in used or []]


def words(command):
    """A command as one text, in whichever form it is."""
    return command if isinstance(command, str) else " ".join(command or [])


@dataclass
class Stack:
    """What a file says; the folder that it stands in, and that of the secrets which the script made."""

    said: dict
    folder: Path
    made: Path

    def __getattr__(self, kind):
        if kind not in KINDS:
            raise AttributeError(kind)
        return self.said.get(kind) or {}

    def under(self, other):
        """Both as one."""
        kinds = {kind: {**getattr(self, kind), **getattr(other, kind)} for kind in KINDS}
        return Stack({**self.said, **kinds}, self.folder, self.made)

    def networks_of(self, name):
        """Those that a service is in; without a word it is in the default one."""
        return set(self.services[name].get("networks", ["default"]))

    def known_as(self, name, network):
        """The names that a network knows somebody by: its own, and others."""
        said = self.services[name].get("networks", {})
        return [name, *((said.get(network) or {}).get("aliases", []) if isinstance(said, dict) else [])]

    def named(self, asker, host):
        """Who answers to a name that somebody asks for, and by which networks."""
        for name in self.services:
            shared = {one for one in self.networks_of(asker) & self.networks_of(name) if host in self.known_as(name, one)}
            if shared:
                return name, shared
        return None, set()

    def awaited(self, name, seen=()):
        """Everybody who is up, or done, before a service starts."""
        needed = set(waits(self.services[name])) & set(self.services) - set(seen)
        return needed.union(*(self.awaited(other, {*seen, name, *needed}) for other in needed))

    def mounts(self, name):
        """Where each path of the host is seen in a container."""
        service = self.services[name]
        for mount in service.get("volumes", []):
            source, target, *mode = mount.split(":")
            if "/" in source:
                yield target, (self.folder / source).resolve(), mode
        for config in service.get("configs", []):
            if config["source"] in self.configs:
                yield config["target"], (self.folder / self.configs[config["source"]]["file"]).resolve(), ["ro"]

    def seen(self, path, name):
        """The host's path for one of a container, or nothing."""
        for target, source, _ in self.mounts(name):
            if within(path, target):
                return source / posixpath.relpath(path, target) if path != target else source
        return None

    def held(self, name):
        """The secrets of a service: the file that the script made, and where it stands in the container."""
        for one in self.services[name].get("secrets", []):
            source, target = (one, one) if isinstance(one, str) else (one["source"], one.get("target", one["source"]))
            if source in self.secrets:
                yield Path(self.secrets[source]["file"]).name, posixpath.join("/run/secrets", target)

    def texts(self, name):
        """Whatever tells a program what to do, but for its secrets: its environment, command and files."""
        service = self.services[name]
        yield from (str(value) for value in service.get("environment", {}).values())
        yield f"{words(service.get('entrypoint'))} {words(service.get('command'))}"
        files = [source for _, source, _ in self.mounts(name)] + images.files(service, self.folder.parents[1])
        yield from (file.read_text(encoding="utf-8") for file in files if file.is_file())

    def told(self, name):
        """Every address that somebody is told of."""
        secrets = (self.made / file for file, _ in self.held(name))
        for text in [*self.texts(name), *(file.read_text(encoding="utf-8") for file in secrets if file.is_file())]:
            yield from addresses(text)

    def listens(self, name):
        """Ports at which a service is asked."""
        service = self.services[name]
        ports = {int(port) for port in service.get("expose", [])} | {inside for _, inside in published(service)}
        ports |= {port for kind, port in KNOWN.items() if kind == images.kind(service)}
        ports |= {address.port for text in self.texts(name) for address in addresses(text) if address.host == EVERYWHERE}
        return ports | images.ports(service)


def waits(service):
    """Whom a service waits for, and for what."""
    needed = service.get("depends_on", {})
    return needed if isinstance(needed, dict) else {name: {"condition": "service_started"} for name in needed}


def published(service):
    """The ports of the host that lead to a service: the host's address, without one all of them, and the port inside."""
    for port in service.get("ports", []):
        if isinstance(port, dict):
            yield port.get("host_ip", EVERYWHERE), int(port["target"])
        else:
            *outside, inside = str(port).split(":")
            yield outside[0] if len(outside) == 2 else EVERYWHERE, int(inside)
