"""The rendered configuration of the log on three real servers: they find each other, and everybody may what they should."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from functools import partial

import pytest
import waiting
from manifests import bytes_of_nats
from waiting import free_ports

SERVER = os.environ.get("NATS_SERVER", "nats-server")
# A server that does not listen yet is waited for.
until = partial(waiting.until, patience=30, passing=OSError)


class Server:
    """One of the servers, at ports and folders of this machine instead of a pod's."""

    def __init__(self, system, folder, number, ports, environment, limit=None):
        self.client, self.peers, self.monitor = ports[number]
        places = {
            "0.0.0.0:4222": f"127.0.0.1:{self.client}",
            "0.0.0.0:6222": f"127.0.0.1:{self.peers}",
            "0.0.0.0:8222": f"127.0.0.1:{self.monitor}",
            '"/data"': f'"{folder}/data-{number}"',
            "/run/nats/nats.pid": f"{folder}/{number}.pid",
        }
        if limit:
            places["account_max_file: 120GB"] = f"account_max_file: {limit}"
        self.pid_file = folder / f"{number}.pid"
        folder = folder / str(number)
        folder.mkdir()
        for name, text in system.one("ConfigMap", "syncboard-nats")["data"].items():
            (folder / name).write_text(re.sub("|".join(map(re.escape, places)), lambda place: places[place[0]], text))
        routes = environment["NATS_ROUTES"]
        for pod, (_, peers, _) in enumerate(ports):
            routes = routes.replace(f"nats-{pod}.nats-peers:6222", f"127.0.0.1:{peers}")
        environment = {**environment, "NATS_ROUTES": routes, "POD_NAME": f"nats-{number}"}
        self.output = (folder / "output").open("wb")
        self.process = subprocess.Popen([SERVER, "-c", folder / "nats.conf"], env=environment, stderr=self.output)

    def asked(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}{path}", timeout=2) as answer:
            return json.load(answer)

    def said(self):
        with open(self.output.name) as output:
            return output.read().lower()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


class Client:
    """As little of NATS' protocol as tells what a user may."""

    def __init__(self, server, user, password):
        self.socket = socket.create_connection(("127.0.0.1", server.client), timeout=10)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()
        self.send("CONNECT " + json.dumps({"user": user, "pass": password, "verbose": False}), "SUB _INBOX.a 1")

    def send(self, *lines):
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def words(self):
        """What the server says until it has heard everything."""
        self.send("PING")
        return self.read_until(b"PONG")

    def read_until(self, start):
        said = []
        for line in self.lines:
            said.append(line.decode().strip())
            if line.startswith(start):
                break
        return said

    def ask(self, subject, body=""):
        """A request of JetStream's, answered."""
        self.words()
        self.send(f"PUB {subject} _INBOX.a {len(body)}", body)
        self.read_until(b"MSG")
        return json.loads(self.lines.readline())


@contextmanager
def three_servers(system, folder, limit=None):
    """They, and the passwords of their users."""
    secrets = system.secrets["syncboard-nats"]
    environment = {"PATH": os.environ["PATH"]}
    for variable in system.workload("nats").pod["containers"][0]["env"]:
        if "secretKeyRef" in variable["valueFrom"]:
            environment[variable["name"]] = secrets[variable["valueFrom"]["secretKeyRef"]["key"]]
    ports = free_ports(9)
    ports = [tuple(ports[number * 3 : number * 3 + 3]) for number in range(3)]
    servers = [Server(system, folder, number, ports, environment, limit) for number in range(3)]
    try:
        until("all three serve", lambda: all(server.asked("/healthz")["status"] == "ok" for server in servers))
        yield servers, {user: secrets[f"{user}-password"] for user in ["admin", "services", "subscriber"]}
    finally:
        for server in servers:
            server.end()


@pytest.fixture(scope="module")
def log(systems, tmp_path_factory):
    with three_servers(systems["production"], tmp_path_factory.mktemp("log")) as log:
        yield log


STREAM = {"name": "SYNCBOARD_EVENTS", "subjects": ["syncboard.events.>"], "num_replicas": 3, "storage": "file", "discard": "new"}


def test_events_stand_on_all_three(log):
    servers, passwords = log
    admin = Client(servers[0], "admin", passwords["admin"])
    made = admin.ask("$JS.API.STREAM.CREATE.SYNCBOARD_EVENTS", json.dumps(STREAM))
    assert made["config"]["num_replicas"] == 3
    assert len(made["cluster"]["replicas"]) == 2

    # Only the administrator may change what is there.
    services = Client(servers[1], "services", passwords["services"])
    assert services.ask("syncboard.events.1.w.document.d", "{}")["seq"] == 1
    for verb in ["UPDATE", "PURGE", "DELETE", "MSG.DELETE"]:
        services.send(f"PUB $JS.API.STREAM.{verb}.SYNCBOARD_EVENTS 0", "")
    assert len([word for word in services.words() if "Permissions Violation" in word]) == 4
    assert admin.ask("$JS.API.STREAM.INFO.SYNCBOARD_EVENTS")["state"]["messages"] == 1


def test_services_are_told_of_the_accounts_limit(systems, log):
    servers, passwords = log
    account = Client(servers[1], "services", passwords["services"]).ask("$JS.API.INFO")
    server = systems["production"].one("ConfigMap", "syncboard-nats")["data"]["nats.conf"]
    server = bytes_of_nats(re.search(r"max_file_store: (\w+)", server)[1])
    assert account["limits"]["max_storage"] == bytes_of_nats("120GB") < 3 * server
    assert all(one.asked("/varz")["jetstream"]["config"]["max_storage"] == server for one in servers)


def test_an_account_that_is_full_has_filled_a_third_on_each_server(systems, tmp_path):
    """Replicas are counted, and so the limit is for all servers together."""
    with three_servers(systems["production"], tmp_path, "24MB") as (servers, passwords):
        admin, services = (Client(servers[0], user, passwords[user]) for user in ["admin", "services"])
        admin.ask("$JS.API.STREAM.CREATE.SYNCBOARD_EVENTS", json.dumps(STREAM))
        mebibyte = "e" * (1 << 20)
        for stored in range(24):
            # Servers tell each other what they store, now and then.
            until(
                "what is stored is known",
                lambda: stored << 20 <= services.ask("$JS.API.INFO")["storage"] / 3 <= (stored << 20) * 1.1,
            )
            answer = services.ask(f"syncboard.events.{stored}", mebibyte)
            if "error" in answer:
                break
        assert answer["error"]["description"] == "resource limits exceeded for account"
        assert stored == 7
        assert services.ask("$JS.API.STREAM.INFO.SYNCBOARD_EVENTS")["state"]["bytes"] * 3 <= bytes_of_nats("24MB")


def test_subscribers_only_listen(log):
    servers, passwords = log
    subscriber = Client(servers[2], "subscriber", passwords["subscriber"])
    subscriber.send("SUB syncboard.live.> 2", "SUB syncboard.projected.> 3")
    # The inbox of every client here is not among what it may hear.
    assert len([word for word in subscriber.words() if "Permissions Violation" in word]) == 1
    subscriber.send("SUB syncboard.events.> 4", "PUB syncboard.live.w.document.d.1 0", "")
    assert len([word for word in subscriber.words() if "Permissions Violation" in word]) == 2


def refusals(port, connect):
    """What a server says to somebody until it closes the connection, or answers a ping."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        lines = stranger.makefile("rb")
        lines.readline()
        stranger.sendall(f"CONNECT {json.dumps(connect)}\r\nPING\r\n".encode())
        said = []
        try:
            for line in lines:
                said.append(line.decode())
                if line.startswith(b"PONG"):
                    break
        except ConnectionResetError:
            pass
    return said


def test_nobody_joins_without_the_password(log):
    servers, passwords = log
    known = {"user": "services", "pass": passwords["services"]}
    assert any(word.startswith("PONG") for word in refusals(servers[0].client, known))
    for port, connect in [
        (servers[0].client, {"user": "services", "pass": "guessed"}),
        (servers[0].client, {}),
        (servers[0].peers, {"name": "x", "cluster": "syncboard", "user": "peer", "pass": "guessed"}),
        (servers[0].peers, {"name": "x", "cluster": "syncboard"}),
    ]:
        said = refusals(port, connect)
        assert not any(word.startswith("PONG") for word in said)
        assert any("Authorization" in word for word in said)


def test_a_lame_duck_outlives_being_told_to_stop(systems, log):
    servers, passwords = log
    leaving, client = servers[2].process, Client(servers[2], "services", passwords["services"])
    client.words()
    [program, *arguments] = systems["production"].workload("nats").pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "nats-server"
    arguments = [argument.replace("/run/nats/nats.pid", str(servers[2].pid_file)) for argument in arguments]
    subprocess.run([SERVER, *arguments], check=True, timeout=10)
    until("it is a lame duck", lambda: "lame duck" in servers[2].said())
    leaving.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert leaving.poll() is None
    assert "PONG" in client.words()
    assert all(server.asked("/healthz?js-server-only=true")["status"] == "ok" for server in servers[:2])


def test_one_server_alone_serves(systems, tmp_path):
    system = systems["small"]
    assert system.workload("nats").most == 1
    environment = {"PATH": os.environ["PATH"], "NATS_ROUTES": "[]", "NATS_CLUSTER_PASSWORD": "none"}
    for user in ["ADMIN", "SERVICES", "SUBSCRIBER"]:
        environment[f"NATS_{user}_PASSWORD"] = system.secrets["syncboard-nats"][f"{user.lower()}-password"]
    server = Server(system, tmp_path, 0, [tuple(free_ports(3))], environment)
    try:
        until("it serves", lambda: server.asked("/healthz")["status"] == "ok")
    finally:
        server.end()
