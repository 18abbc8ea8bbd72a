"""For servers that are started on this machine: ports for them, and waiting for what they do."""

import socket
import time


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(what, condition, patience=60, passing=()):
    """Asks again and again for at most so many seconds; what the condition was true with is handed back. Errors that pass count
    as not true."""
    end = time.monotonic() + patience
    while True:
        try:
            if found := condition():
                return found
        except passing:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"not within {patience} s: {what}")
        time.sleep(0.1)
