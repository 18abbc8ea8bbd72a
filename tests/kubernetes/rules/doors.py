"""What the outside can reach, and how."""

import re

from manifests import ROOT, quantity

NGINX = "nginx.ingress.kubernetes.io/"
OPEN = {"/v1", "/docs", "/openapi.json"}
# What has limits of its own, and the zones of the stacks' proxy that have them.
LIMITED = {
    ("command-service", "/v1/accounts"): "credentials",
    ("command-service", "/v1/tokens"): "credentials",
    ("query-service", "/v1/events"): "subscriptions",
}


def doors(system):
    """Only what is for clients is open, over TLS, for as long as subscriptions stand and as large as texts are."""
    for service in system.of("Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"service {service['metadata']['name']} is open to the outside"
    ways = {}
    for ingress in system.of("Ingress"):
        name, spec, notes = ingress["metadata"]["name"], ingress["spec"], ingress["metadata"].get("annotations", {})
        secured = {host for tls in spec.get("tls", []) for host in tls["hosts"]}
        if not spec.get("ingressClassName"):
            yield f"ingress {name} is nobody's"
        for rule in spec["rules"]:
            if rule.get("host") not in secured or notes.get(NGINX + "ssl-redirect") != "true":
                yield f"{rule.get('host')} is not over TLS alone"
        for host, path, backend in led(ingress):
            if path not in OPEN and (backend, path) not in LIMITED:
                yield f"{path} of {host} is open"
            way = (host, path)
            if ways.setdefault(way, backend) != backend:
                yield f"{way} leads to {ways[way]} and {backend}"
            if (backend, path) == ("query-service", "/v1/events"):
                if min(int(notes.get(NGINX + f"proxy-{way}-timeout", 60)) for way in ["read", "send"]) < 3600:
                    yield "subscriptions are cut off"
                if notes.get(NGINX + "proxy-buffering") != "off":
                    yield "subscribers wait for a buffer to fill"
            if (backend, path) == ("command-service", "/v1"):
                largest = quantity(notes.get(NGINX + "proxy-body-size", "1m").replace("m", "Mi"))
                if largest < quantity(system.default_settings["SYNCBOARD_TEXT_BODY_LIMIT"].removesuffix("B")):
                    yield "the largest texts are not let in"


def led(ingress):
    """Where an ingress leads: host, path, Service."""
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            yield rule.get("host"), path["path"], path["backend"]["service"]["name"]


def limits(system):
    """An address may ask as often, and subscribe as many times, as at the stacks' proxy."""
    proxy = (ROOT / "deploy/proxy/nginx.conf").read_text()
    rates = dict(re.findall(r"limit_req_zone \S+ zone=(\w+):\S+ rate=(\d+)r/s;", proxy))
    bursts = dict(re.findall(r"limit_req zone=(\w+) burst=(\d+) nodelay;", proxy))
    connections = dict(re.findall(r"limit_conn (\w+) (\d+);", proxy))
    hosts, missing = {}, dict(LIMITED)
    for ingress in system.of("Ingress"):
        notes = ingress["metadata"].get("annotations", {})
        rate = int(notes.get(NGINX + "limit-rps", 0))
        burst, standing = rate * int(notes.get(NGINX + "limit-burst-multiplier", 5)), notes.get(NGINX + "limit-connections")
        for host, path, backend in led(ingress):
            zone = LIMITED.get((backend, path), "requests")
            missing.pop((backend, path), None)
            # Where there is a limit of connections, that of requests is everybody's.
            often = zone if zone in rates else "requests"
            if (str(rate), str(burst)) != (rates[often], bursts[often]):
                yield f"{path} of {backend} is let in {rate} times a second and {burst} at once, not as {often} at the proxy"
            if standing != connections.get(zone):
                yield f"{standing} connections to {path} of {backend} may stand, not as {zone} at the proxy"
            hosts.setdefault(backend, set()).add(host)
    for backend, path in missing:
        yield f"{path} of {backend} has no limit of its own"
    for backend, names in hosts.items():
        if len(names) != 1:
            yield f"{backend} has the names {names}: a limit that holds at one is none"
