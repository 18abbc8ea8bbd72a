"""A WebSocket client (RFC 6455) of Python's standard library alone: prints each text message as a line, and the end as
`closed CODE REASON`. Usage: websocket.py HOST PORT PATH TOKEN [--wait]; with --wait it takes nothing before it is told a line
on its standard input."""

import base64
import hashlib
import os
import socket
import struct
import sys

host, port, path, token = sys.argv[1:5]
is_waiting = "--wait" in sys.argv
connection = socket.socket()
if is_waiting:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
connection.connect((host, int(port)))
key = base64.b64encode(os.urandom(16)).decode()
authorization = f"Authorization: Bearer {token}\r\n" if token else ""
connection.sendall(
    f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{authorization}\r\n".encode()
)
stream = connection.makefile("rb", buffering=4096)
status = stream.readline().decode().strip()
headers = dict(line.decode().strip().lower().split(": ", 1) for line in iter(stream.readline, b"\r\n"))
if " 101 " not in status + " ":
    sys.exit(f"{status} {stream.read(int(headers.get('content-length', 0))).decode()}")
accepted = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
assert headers["sec-websocket-accept"] == base64.b64encode(accepted).decode().lower(), "the key is not accepted"


def send(opcode, payload):
    """A masked frame, as clients must send them."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    connection.sendall(struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload)) + mask + masked)


print("open", flush=True)
if is_waiting:
    sys.stdin.readline()
while head := stream.read(2):
    opcode, length = head[0] & 0x0F, head[1]
    assert head[0] & 0x80 and length < 0x80, "a server neither splits nor masks"
    if length == 126:
        (length,) = struct.unpack("!H", stream.read(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", stream.read(8))
    payload = stream.read(length)
    if opcode == 1:
        print(payload.decode(), flush=True)
    elif opcode == 9:
        send(10, payload)
    elif opcode == 8:
        (code,) = struct.unpack("!H", payload[:2])
        print("closed", code, payload[2:].decode(), flush=True)
        send(8, payload[:2])
        break
