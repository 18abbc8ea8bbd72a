"""A control plane of Kubernetes on loopback, as its own programs make it: etcd, API server, controllers, scheduler."""

import ctypes
import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
from pathlib import Path

from waiting import free_ports, until

PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"]
LIBC, PR_SET_PDEATHSIG = ctypes.CDLL(None), 1


class Refused(Exception):
    """What the API server answers instead of doing it."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Api:
    """The API as one who has a token sees it. Not to be shared by threads."""

    def __init__(self, port, certificate, token):
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.context = ssl.create_default_context(cafile=certificate)
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=self.context)

    def ask(self, method, path, body=None, patch="merge"):
        kind = f"application/{patch}-patch+json" if method == "PATCH" else "application/json"
        try:
            self.connection.request(method, path, body and json.dumps(body), {**self.headers, "Content-Type": kind})
            answer = self.connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        said = json.loads(said) if said.startswith(b"{") else {"message": said.decode()}
        if answer.status >= 300:
            raise Refused(answer.status, said["message"])
        return said

    def get(self, path):
        return self.ask("GET", path)

    def list(self, path):
        return self.get(path)["items"]

    def post(self, path, body):
        return self.ask("POST", path, body)

    def patch(self, path, body, patch="merge"):
        return self.ask("PATCH", path, body, patch)

    def delete(self, path, **options):
        return self.ask("DELETE", path, options or None)


class ControlPlane:
    """Started when it is made; `end` stops what was started, and leaves the folder to who made it."""

    def __init__(self, programs, folder, machines):
        self.programs, self.folder = Path(programs), Path(folder)
        self.port, etcd, peers = free_ports(3)
        self.certificate = self.folder / "certificates/apiserver.crt"
        self.processes = {}
        self.tokens = {
            "admin": ("system:masters",),
            "system:kube-controller-manager": (),
            "system:kube-scheduler": (),
            **{f"system:node:{name}": ("system:nodes",) for name in machines},
        }
        self.tokens = {user: (secrets.token_hex(16), groups) for user, groups in self.tokens.items()}
        (self.folder / "tokens.csv").write_text(
            "".join(f'{token},{user},{user},"{",".join(groups)}"\n' for user, (token, groups) in self.tokens.items())
        )
        key = self.folder / "accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        try:
            self.start(
                "etcd",
                f"--data-dir={self.folder}/etcd",
                f"--listen-client-urls=http://127.0.0.1:{etcd}",
                f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peers}",
                "--unsafe-no-fsync",
            )
            self.start(
                "kube-apiserver",
                f"--etcd-servers=http://127.0.0.1:{etcd}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={self.port}",
                f"--cert-dir={self.certificate.parent}",
                f"--token-auth-file={self.folder}/tokens.csv",
                "--authorization-mode=Node,RBAC",
                "--anonymous-auth=false",
                # So that it is pod security that refuses what is privileged.
                "--allow-privileged",
                # Pod security, quotas, limits and accounts are held to without being named.
                "--enable-admission-plugins=NodeRestriction",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--endpoint-reconciler-type=none",
            )
            until("the API server listens", self.is_listening)
            self.api = self.as_user("admin")
            until("the API server is ready", self.is_ready, 120)
            self.kubeconfig = self.write_kubeconfig("admin")
            self.start(
                "kube-controller-manager",
                f"--kubeconfig={self.write_kubeconfig('system:kube-controller-manager')}",
                "--leader-elect=false",
                "--secure-port=0",
                "--use-service-account-credentials",
                f"--service-account-private-key-file={key}",
                f"--root-ca-file={self.certificate}",
                # An autoscaler looks every 15 s by default; nothing else is faster than usual.
                "--horizontal-pod-autoscaler-sync-period=2s",
            )
            self.start(
                "kube-scheduler",
                f"--kubeconfig={self.write_kubeconfig('system:kube-scheduler')}",
                "--leader-elect=false",
                "--secure-port=0",
            )
            until("controllers make accounts", lambda: self.api.list("/api/v1/namespaces/default/serviceaccounts"))
        except BaseException:
            self.end()
            raise

    def start(self, name, *arguments):
        with (self.folder / f"{name}.log").open("wb") as output:
            self.processes[name] = subprocess.Popen(
                [self.programs / name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Should this program be killed, nobody would stop them.
                preexec_fn=die_with_parent,
            )

    def as_user(self, user):
        return Api(self.port, self.certificate, self.tokens[user][0])

    def is_listening(self):
        self.check()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def is_ready(self):
        self.check()
        try:
            return self.api.get("/readyz")["message"] == "ok"
        except (Refused, OSError, http.client.HTTPException):
            return False

    def check(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{log[-2000:]}")

    def write_kubeconfig(self, user):
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [
                {
                    "name": "here",
                    "cluster": {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self.certificate)},
                }
            ],
            "users": [{"name": "me", "user": {"token": self.tokens[user][0]}}],
        }
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        path.write_text(json.dumps(config))
        return path

    @property
    def environment(self):
        """For programs that are to find kubectl and this cluster, and none of the user's own."""
        return {"PATH": f"{self.programs}:{os.environ['PATH']}", "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)}

    def kubectl(self, *arguments, **options):
        return subprocess.run(
            ["kubectl", *arguments], env=self.environment, capture_output=True, text=True, timeout=120, check=False, **options
        )

    def end(self):
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def die_with_parent():
    """Asks the kernel to kill this process when the one that started it ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
