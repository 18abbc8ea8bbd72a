from mutations.ways import GONE, change, drop

NGINX = "metadata.annotations.nginx~ingress~kubernetes~io/"

MUTATIONS = [
    ("doors", "metrics for everybody", change("Ingress", "command-service", "spec.rules.0.http.paths.0.path", "/")),
    ("doors", "no TLS", change("Ingress", "command-service", "spec.tls", [])),
    ("doors", "no redirection", change("Ingress", "command-service", NGINX + "ssl-redirect", "false")),
    ("doors", "two behind one way", change("Ingress", "command-service", "spec.rules.0.host", "read.syncboard.example")),
    ("doors", "subscriptions are cut off", change("Ingress", "subscriptions", NGINX + "proxy-read-timeout", "60")),
    ("doors", "subscribers wait", change("Ingress", "subscriptions", NGINX + "proxy-buffering", GONE)),
    ("doors", "long texts are refused", change("Ingress", "command-service", NGINX + "proxy-body-size", "1m")),
    ("doors", "health by the door of logging in", change("Ingress", "credentials", "spec.rules.0.http.paths.0.path", "/health")),
    ("doors", "another way in", change("Service", "nats", "spec.type", "LoadBalancer")),
    ("limits", "none", change("Ingress", "command-service", NGINX + "limit-rps", GONE)),
    ("limits", "all at once", change("Ingress", "query-service", NGINX + "limit-burst-multiplier", GONE)),
    ("limits", "logging in as often as reading", drop("Ingress", "credentials")),
    ("limits", "guessing passwords", change("Ingress", "credentials", NGINX + "limit-rps", "100")),
    ("limits", "registering as often as reading", change("Ingress", "credentials", "spec.rules.0.http.paths.0", GONE)),
    ("limits", "subscriptions without end", change("Ingress", "subscriptions", NGINX + "limit-connections", GONE)),
    ("limits", "subscriptions by another way", drop("Ingress", "subscriptions")),
    ("limits", "another name without limits", change("Ingress", "credentials", "spec.rules.0.host", "login.syncboard.example")),
]
