"""What the Dockerfile says of the images that are built here."""

from functools import cache
import re

STAGE = re.compile(r"^FROM (\S+) AS (\S+)$(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)


@cache
def stages():
    """Every stage: what it stands on, and what it says itself."""
    with open("Dockerfile", encoding="utf-8") as file:
        return {name: (base, text) for base, name, text in STAGE.findall(file.read())}


def kind(service):
    """The name of an image, without where it comes from and its version."""
    return service["image"].rsplit("/", 1)[-1].split(":")[0]


def built(service):
    """The stage that a service's image is, if it is built here."""
    return kind(service) if service["image"].startswith("syncboard/") else None


def user(service):
    """Whom a service runs as: as it says, or as its image does; root where neither says."""
    stage, known = built(service), stages()
    while "user" not in service and stage in known:
        base, text = known[stage]
        if found := re.findall(r"^USER (\S+)$", text, re.MULTILINE):
            return found[-1]
        stage = base
    return service.get("user", "root")


def ports(service):
    """Where the program of an image listens, unless it is told otherwise."""
    _, text = stages().get(built(service), (None, ""))
    said = dict(re.findall(r"(SYNCBOARD_[A-Z]+_LISTEN)=(\S+)", text)) | service.get("environment", {})
    return {int(address.rsplit(":", 1)[1]) for name, address in said.items() if name.endswith("_LISTEN") and "0.0.0.0:" in address}


def files(service, root):
    """The files of deploy/ that an image holds."""
    _, text = stages().get(built(service), (None, ""))
    return [root / path for path in re.findall(r"^COPY (deploy/\S+) ", text, re.MULTILINE)]
