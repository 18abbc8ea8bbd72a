"""The ways in which objects and secrets are changed."""

GONE = object()
POD = "spec.template.spec"
FIRST = f"{POD}.containers.0"


def at(parent, path):
    *way, last = [int(part) if part.isdigit() else part.replace("~", ".") for part in path.split(".")]
    for part in way:
        parent = parent[part]
    return parent, last


def change(kind, name, path, value):
    """Puts a value where a path leads in an object, or takes what is there away. `~` stands for a dot in a key."""

    def mutate(system):
        parent, last = at(system.one(kind, name), path)
        if value is GONE:
            del parent[last]
        elif isinstance(parent, list) and last == len(parent):
            parent.append(value)
        else:
            parent[last] = value

    return mutate


def replace(kind, name, path, old, new):
    """Replaces a part of a text."""

    def mutate(system):
        parent, last = at(system.one(kind, name), path)
        assert old in parent[last], f"{old} is not there"
        parent[last] = parent[last].replace(old, new)

    return mutate


def drop(kind, name):
    return lambda system: system.objects.remove(system.one(kind, name))


def add(object):
    object["metadata"].setdefault("namespace", "syncboard")
    return lambda system: system.objects.append(object)


def secret(name, key, value):
    def mutate(system):
        if value is GONE:
            del system.secrets[name][key]
        else:
            system.secrets[name][key] = value

    return mutate


def env(name, value):
    return lambda system: system.one("Deployment", "command-service")["spec"]["template"]["spec"]["containers"][0]["env"].append(
        {"name": name, "value": value}
    )


COMMAND = ("Deployment", "command-service")
NATS = ("StatefulSet", "nats")
POLICY = "NetworkPolicy"
