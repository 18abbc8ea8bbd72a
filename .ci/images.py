"""What the Dockerfile says of the images that are built here."""

import re

STAGE = re.compile(r"^FROM (\S+) AS (\S+)$(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)


def stages():
    """Every stage: what it stands on, and what it says itself."""
    with open("Dockerfile", encoding="utf-8") as file:
        return {name: (base, text) for base, name, text in STAGE.findall(file.read())}


def built(service):
    """The stage that a service's image is, if it is built here."""
    return service["image"].rsplit("/", 1)[1].split(":")[0] if service["image"].startswith("syncboard/") else None


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
    """Where the program of an image listens."""
    _, text = stages().get(built(service), (None, ""))
    return {int(port) for port in re.findall(r"_LISTEN=0\.0\.0\.0:(\d+)", text)}
