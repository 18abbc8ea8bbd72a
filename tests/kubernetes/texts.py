"""What configurations and commands say, read as text: who is asked where, who listens where, and who may do what at the log.

.ci/compose.py reads the stacks with it too.
"""

import re
from typing import NamedTuple

EVERYWHERE = "0.0.0.0"
HERE = {"127.0.0.1", "localhost"}
# Ports that clients ask where they are told a host alone.
CLIENTS = {"psql": 5432, "pg_isready": 5432, "redis-cli": 6379, "valkey-cli": 6379}
ADDRESS = re.compile(r"(?<![\w.$:/-])(?:[a-z]+://)?(?:([^\s/@\"',]*)@)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{2,5})(?![\w.])")
HOST = re.compile(r"(?:\s--host[= ]|\s-h[= ]?)(\S+)")
PORT = re.compile(r"(?:\s--port[= ]|\s-p[= ]?)(\d+)")
COMMENT = re.compile(r"^\s*(?:#|-- ).*$", re.MULTILINE)


class Address(NamedTuple):
    """Where somebody listens, or is asked, and as whom."""

    host: str
    port: int
    user: str = ""
    password: str = ""


def addresses(text):
    """Every address that a text names; a port alone is one everywhere."""
    text = COMMENT.sub("", text)
    for credential, host, port in ADDRESS.findall(text):
        user, _, password = credential.partition(":")
        yield Address(host, int(port), user, password)
    for port in re.findall(r"^port (\d+)$", text, re.MULTILINE):
        yield Address(EVERYWHERE, int(port))
    for line in text.splitlines():
        client = next((client for client in CLIENTS if re.search(rf"\b{client}\b", line)), None)
        if not client and re.search(r"\s--host[= ]", line):
            raise NotImplementedError(f"at which port: {line}")
        if client and (host := HOST.search(line)):
            port = PORT.search(line)
            yield Address(host[1], int(port[1]) if port else CLIENTS[client])


def rights(text):
    """What each user of a NATS configuration is denied and allowed, as the text says it; and who is whoever says nothing."""
    text = re.sub(r"\s", "", COMMENT.sub("", text).replace("{{", "{").replace("}}", "}"))
    found = {}
    for user in re.finditer(r'\{user:"?(\w+)"?', text):
        depth, end = 1, user.end()
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found[user[1]] = re.sub(r',password:("[^"]*"|[^,}]*)', "", text[user.end() : end])
    if anybody := re.search(r"no_auth_user:(\S+)", text):
        found["who says nothing"] = anybody[1]
    return found


def excess(configuration, private):
    """Whose rights in a NATS configuration are not those that the private server gives, as its source has them."""
    ours, theirs = rights(configuration), rights(private)
    if set(theirs) != {"admin", "services", "subscriber"}:
        yield f"the private server's users are not found: {theirs}"
    for user in sorted(set(theirs) | set(ours)):
        if ours.get(user) != theirs.get(user):
            yield f"{user} may do other things than on the private server"


def within(path, folder):
    """Whether a path is a folder or lies in it."""
    return f"{path}/".startswith(folder.rstrip("/") + "/")


def statements(text):
    """What a file of SQL does, but for where the password comes from."""
    return [line for line in text.splitlines() if not line.startswith(("--", "\\"))]
