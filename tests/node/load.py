"""Asks the services for as long as it is let: each way of asking at a steady pace, and every answer counted by what went on.

    load.py WRITES READS FOLDER

In FOLDER the file `phase` says what goes on, and `enough` ends it; `failures` is written as they happen, `result` at the end.
Every worker asks on a new connection, or on one that it keeps and takes anew when the other side has closed it.
"""

import collections
import http.client
import json
import os
import pathlib
import select
import sys
import threading
import time

WRITES, READS = (address.rsplit(":", 1) for address in sys.argv[1:3])
FOLDER = pathlib.Path(sys.argv[3])
# Workers of each of the four ways, and how long each waits between two requests.
WORKERS, PAUSE = int(os.environ.get("LOAD_WORKERS", "2")), float(os.environ.get("LOAD_PAUSE", "0.3"))
PATIENCE = 20
JSON = {"Content-Type": "application/json"}
LOCK = threading.Lock()
COUNTS = collections.defaultdict(collections.Counter)
SLOWEST = collections.Counter()
ACKNOWLEDGED, HEARD = {}, collections.Counter()


def phase():
    return (FOLDER / "phase").read_text().strip()


def is_enough():
    return (FOLDER / "enough").exists()


def fail(way, said):
    with LOCK, (FOLDER / "failures").open("a") as failures:
        failures.write(f"{time.strftime('%H:%M:%S')} {phase()} {way}: {said}\n")


class Client:
    def __init__(self, address, is_kept):
        self.address, self.is_kept, self.connection = address, is_kept, None

    def ask(self, method, path, body=None, headers=None):
        if self.connection and self.is_closed():
            self.connection.close()
            self.connection = None
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.address[0], int(self.address[1]), timeout=PATIENCE)
        headers = headers or {}
        if not self.is_kept:
            headers = {**headers, "Connection": "close"}
        try:
            self.connection.request(method, path, body and json.dumps(body), {**headers, **(JSON if body else {})})
            answer = self.connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise
        if answer.will_close or not self.is_kept:
            self.connection.close()
            self.connection = None
        return answer.status, said

    def is_closed(self):
        """Whether the other side has closed it while nothing was asked, as every pool of connections looks before use."""
        return not self.connection.sock or bool(select.select([self.connection.sock], [], [], 0)[0])


def work(way, address, is_kept, number):
    client, done = Client(address, is_kept), 0
    time.sleep(PAUSE * number / WORKERS)
    while not is_enough():
        done += 1
        key = f"{way}-{number}-{done}"
        begun = time.monotonic()
        try:
            if address is WRITES:
                body = {"title": key, "text": f"Text of {key}, which tells of kernels."}
                status, said = client.ask("POST", "/v1/documents", body, {**AUTH, "Idempotency-Key": key})
            else:
                status, said = client.ask("GET", "/v1/documents?limit=5", headers=AUTH)
            outcome = "answered" if status < 300 else f"{status}"
            if status >= 300:
                fail(way, f"{status} {said[:300].decode(errors='replace')}")
            elif address is WRITES:
                answer = json.loads(said)
                with LOCK:
                    ACKNOWLEDGED[answer["id"]] = answer["sequence"]
        except (OSError, http.client.HTTPException) as error:
            outcome = type(error).__name__
            fail(way, f"{outcome} {error}")
        took = time.monotonic() - begun
        with LOCK:
            COUNTS[phase()][f"{way} {outcome}"] += 1
            SLOWEST[phase()] = max(SLOWEST[phase()], round(took, 2))
        time.sleep(max(0, PAUSE - took))


def listen():
    """Hears every event once, over as many subscriptions as it takes."""
    position = "0"
    while not is_enough():
        connection = http.client.HTTPConnection(READS[0], int(READS[1]), timeout=20)
        try:
            connection.request("GET", "/v1/events", headers={**AUTH, "Last-Event-ID": position})
            answer = connection.getresponse()
            if answer.status != 200:
                fail("listen", f"{answer.status} {answer.read()[:300]}")
                time.sleep(0.5)
                continue
            COUNTS[phase()]["listen begun"] += 1
            heard = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    heard[name] = value
                    continue
                if "id" in heard:
                    position = heard["id"]
                if heard.get("event") == "document.uploaded":
                    HEARD[json.loads(heard["data"])["subject"].rpartition("/")[2]] += 1
                if heard.get("event") == "closed":
                    COUNTS[phase()][f"listen closed {json.loads(heard['data'])['code']}"] += 1
                heard = {}
                if is_enough() and ACKNOWLEDGED.keys() <= HEARD.keys():
                    return
        except (OSError, http.client.HTTPException) as error:
            COUNTS[phase()][f"listen {type(error).__name__}"] += 1
        finally:
            connection.close()
        time.sleep(0.1)


account = {"username": "ada", "password": "correct horse battery"}
Client(WRITES, False).ask("POST", "/v1/accounts", account)
status, said = Client(WRITES, False).ask("POST", "/v1/tokens", account)
AUTH = {"Authorization": f"Bearer {json.loads(said)['access_token']}"}
threads = [threading.Thread(target=listen, daemon=True)]
for way, address in [("write", WRITES), ("read", READS)]:
    for kept, is_kept in [("new", False), ("kept", True)]:
        for number in range(WORKERS):
            threads.append(threading.Thread(target=work, args=(f"{way}-{kept}", address, is_kept, number)))
for thread in threads:
    thread.start()
for thread in threads[1:]:
    thread.join()
threads[0].join(30)
# What was acknowledged must be there.
reader = Client(READS, True)
latest = max(ACKNOWLEDGED.values(), default=0)
missing = [one for one in ACKNOWLEDGED if reader.ask("GET", f"/v1/documents/{one}?min_sequence={latest}", headers=AUTH)[0] != 200]
result = {
    "phases": COUNTS,
    "slowest": SLOWEST,
    "acknowledged": len(ACKNOWLEDGED),
    "missing": len(missing),
    "not heard": len(ACKNOWLEDGED.keys() - HEARD.keys()),
    "heard twice": sum(count > 1 for count in HEARD.values()),
}
(FOLDER / "result").write_text(json.dumps(result, indent=1))
