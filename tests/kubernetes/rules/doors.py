"""What the outside can reach, and how."""

from manifests import quantity

NGINX = "nginx.ingress.kubernetes.io/"
OPEN = {"/v1", "/docs", "/openapi.json"}


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
            for path in rule["http"]["paths"]:
                if path["path"] not in OPEN:
                    yield f"{path['path']} of {rule.get('host')} is open"
                way, backend = (rule.get("host"), path["path"]), path["backend"]["service"]["name"]
                if ways.setdefault(way, backend) != backend:
                    yield f"{way} leads to {ways[way]} and {backend}"
        if not int(notes.get(NGINX + "limit-rps", 0)):
            yield f"ingress {name} limits nobody"
        if name == "query-service":
            if min(int(notes.get(NGINX + f"proxy-{way}-timeout", 60)) for way in ["read", "send"]) < 3600:
                yield "subscriptions are cut off"
            if notes.get(NGINX + "proxy-buffering") != "off":
                yield "subscribers wait for a buffer to fill"
        if name == "command-service":
            largest = quantity(notes.get(NGINX + "proxy-body-size", "1m").replace("m", "Mi"))
            if largest < quantity(system.default_settings["SYNCBOARD_TEXT_BODY_LIMIT"].removesuffix("B")):
                yield "the largest texts are not let in"
