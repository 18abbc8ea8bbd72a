"""One change for each way in which a rule can be broken: the rule must notice it. All are made to the production overlay."""

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


def policy(name, **spec):
    return add({"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec})


def alone(system):
    """One server for the log, in everything but that it could become three."""
    change("StatefulSet", "nats", "spec.replicas", 1)(system)
    change("Job", "migrate", f"{FIRST}.env.0.value", "1")(system)
    change("ConfigMap", "syncboard-nats", "data.cluster~conf", "")(system)


COMMAND = ("Deployment", "command-service")
NATS = ("StatefulSet", "nats")
POLICY = "NetworkPolicy"
HERE = [{"podSelector": {}}]
JOB = "spec.endpoints.0.relabelings"
ALERT = "spec.groups.4.rules.0"
NGINX = "metadata.annotations.nginx~ingress~kubernetes~io/"

MUTATIONS = [
    ("restricted", "a pod may be root", change(*COMMAND, f"{POD}.securityContext.runAsNonRoot", False)),
    ("restricted", "a pod is root", change(*COMMAND, f"{POD}.securityContext.runAsUser", 0)),
    ("restricted", "a container is root", change(*COMMAND, f"{FIRST}.securityContext.runAsUser", 0)),
    (
        "restricted",
        "capabilities stay",
        change(*NATS, f"{FIRST}.securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_RAW"]}),
    ),
    ("restricted", "privileges can be gained", change(*COMMAND, f"{FIRST}.securityContext.allowPrivilegeEscalation", GONE)),
    (
        "restricted",
        "the image can be written to",
        change("StatefulSet", "redis", f"{FIRST}.securityContext.readOnlyRootFilesystem", False),
    ),
    ("restricted", "no seccomp profile", change("Job", "migrate", f"{POD}.securityContext.seccompProfile", GONE)),
    ("restricted", "a folder of the machine", change(*NATS, f"{POD}.volumes.2", {"name": "host", "hostPath": {"path": "/"}})),
    ("restricted", "the machine's network", change(*COMMAND, f"{POD}.hostNetwork", True)),
    (
        "restricted",
        "a lax namespace",
        change("Namespace", "syncboard", "metadata.labels.pod-security~kubernetes~io/enforce", "baseline"),
    ),
    ("resources", "no limit of memory", change(*COMMAND, f"{FIRST}.resources.limits.memory", GONE)),
    ("resources", "no request", change("StatefulSet", "postgres", f"{FIRST}.resources.requests", GONE)),
    ("resources", "more asked for than allowed", change(*COMMAND, f"{FIRST}.resources.requests.memory", "2Gi")),
    ("probes", "nobody asks whether it is ready", change(*COMMAND, f"{FIRST}.readinessProbe", GONE)),
    ("probes", "nobody waits for its start", change("StatefulSet", "redis", f"{FIRST}.startupProbe", GONE)),
    ("probes", "a path that is not there", change(*COMMAND, f"{FIRST}.livenessProbe.httpGet.path", "/healthz")),
    ("probes", "killed when the log is away", change(*COMMAND, f"{FIRST}.livenessProbe.httpGet.path", "/health/ready")),
    ("probes", "a port that is not there", change(*NATS, f"{FIRST}.readinessProbe.httpGet.port", "web")),
    ("stopping", "one goes before another comes", change(*COMMAND, "spec.strategy.rollingUpdate.maxUnavailable", 1)),
    ("stopping", "no pause before it stops", change(*COMMAND, f"{FIRST}.lifecycle", GONE)),
    (
        "stopping",
        "a shell that is not there",
        change(*COMMAND, f"{FIRST}.lifecycle.preStop", {"exec": {"command": ["sleep", "10"]}}),
    ),
    ("stopping", "killed while it drains", change(*COMMAND, f"{POD}.terminationGracePeriodSeconds", 30)),
    ("stopping", "a batch is killed", change("Deployment", "projector", f"{POD}.terminationGracePeriodSeconds", 65)),
    ("stopping", "a slow upload is cut off", change("ConfigMap", "syncboard-settings", "data.SYNCBOARD_DRAIN_TIMEOUT", "10s")),
    ("images", "no version", change(*COMMAND, f"{FIRST}.image", "syncboard/command-service")),
    ("images", "whatever is latest", change(*NATS, f"{FIRST}.image", "registry.example:5000/nats:latest")),
    ("accounts", "a token in the pod", change(*COMMAND, f"{POD}.automountServiceAccountToken", True)),
    ("accounts", "a token by the account", change("ServiceAccount", "nats", "automountServiceAccountToken", GONE)),
    ("accounts", "an account that is not there", drop("ServiceAccount", "projector")),
    ("accounts", "one account for two", change(*COMMAND, f"{POD}.serviceAccountName", "projector")),
    ("accounts", "rights", add({"kind": "RoleBinding", "metadata": {"name": "all"}})),
    ("settings", "a name that is no setting", env("SYNCBOARD_DRAIN", "10s")),
    ("settings", "a name that is none, for all", change("ConfigMap", "syncboard-settings", "data.SYNCBOARD_LOGS", "info")),
    ("settings", "a credential in the open", env("DATABASE_URL", "postgres://a:b@c/d")),
    ("settings", "a credential that cannot be replaced", env("DATABASE_URL", None)),
    ("settings", "a file that is not there", change(*COMMAND, f"{POD}.volumes.0.secret.items.0.path", "DATABASE")),
    ("settings", "a file that does not change", change(*COMMAND, f"{FIRST}.volumeMounts.0.subPath", "DATABASE_URL")),
    ("settings", "the administrator's credential", env("NATS_ADMIN_URL", None)),
    ("settings", "nothing to listen on", change(*COMMAND, f"{FIRST}.env.0", {"name": "SYNCBOARD_LOG", "value": "info"})),
    ("references", "a Secret's key", change(*COMMAND, f"{POD}.volumes.0.secret.items.0.key", "DATABASE")),
    ("references", "a Secret's variable", change("Job", "migrate", f"{FIRST}.env.2.valueFrom.secretKeyRef.key", "DATABASE")),
    ("references", "a Secret", change("Ingress", "query-service", "spec.tls.0.secretName", "tls")),
    ("references", "what the script does not make", secret("syncboard-nats", "admin-password", GONE)),
    ("references", "a ConfigMap", drop("ConfigMap", "syncboard-postgres")),
    ("references", "a file of a Secret", change("StatefulSet", "redis", f"{POD}.volumes.1.secret.items.0.key", "acl")),
    ("references", "a volume", change(*NATS, f"{POD}.volumes.1.name", "runs")),
    ("references", "a Service", change("Ingress", "query-service", "spec.rules.0.http.paths.0.backend.service.name", "query")),
    (
        "references",
        "a Service's port",
        change("Ingress", "query-service", "spec.rules.0.http.paths.0.backend.service.port", {"number": 80}),
    ),
    ("references", "what is scaled", change("HorizontalPodAutoscaler", "projector", "spec.scaleTargetRef.name", "projectors")),
    ("references", "a port that is scraped", change("ServiceMonitor", "projector", "spec.endpoints.0.port", "metrics")),
    ("references", "a path that is scraped", change("ServiceMonitor", "projector", "spec.endpoints.0.path", "/prometheus")),
    ("references", "a headless Service", change(*NATS, "spec.serviceName", "nats")),
    ("references", "a governing Service", drop("Service", "postgres")),
    ("selectors", "a Service of nobody", change("Service", "redis", "spec.selector", {"app": "redis"})),
    (
        "selectors",
        "a Service of everybody",
        change("Service", "redis", "spec.selector", {"app.kubernetes.io/part-of": "syncboard"}),
    ),
    ("selectors", "a Service's port of nobody", change("Service", "nats", "spec.ports.0.targetPort", "web")),
    ("selectors", "a headless Service that translates", change("Service", "nats-peers", "spec.ports.0.port", 6223)),
    ("selectors", "a budget of nobody", change("PodDisruptionBudget", "nats", "spec.selector.matchLabels", {"app": "nats"})),
    ("selectors", "a policy of nobody", change(POLICY, "redis", "spec.podSelector.matchLabels", {"app": "redis"})),
    ("selectors", "another namespace", change("Service", "redis", "metadata.namespace", "default")),
    (
        "selectors",
        "two alike",
        change("Deployment", "projector", "spec.template.metadata.labels.app~kubernetes~io/name", "command-service"),
    ),
    ("selectors", "all on one machine", change(*COMMAND, f"{POD}.topologySpreadConstraints", [])),
    (
        "selectors",
        "others are spread",
        change(*COMMAND, f"{POD}.topologySpreadConstraints.0.labelSelector.matchLabels", {"app": "x"}),
    ),
    ("addresses", "a host that is not there", secret("syncboard-services", "REDIS_URL", "redis://a:b@cache:6379")),
    ("addresses", "a namespace that is not there", secret("syncboard-services", "REDIS_URL", "redis://a:b@redis.caches:6379")),
    ("addresses", "a port that is not there", secret("syncboard-services", "NATS_URL", "nats://a:b@nats:4223")),
    ("addresses", "a pod that is not there", secret("syncboard-nats", "routes", '["nats://a:b@nats-3.nats-peers:6222"]')),
    ("addresses", "an address that moves", change("Service", "postgres", "spec.clusterIP", "None")),
    ("addresses", "no credential", secret("syncboard-services", "NATS_URL", "nats://nats:4222")),
    ("secrets", "a Secret in the open", add({"kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}})),
    ("secrets", "another password", secret("syncboard-postgres", "role-password", "s" * 40)),
    ("secrets", "another password for the cache", secret("syncboard-redis", "users.acl", "user default on nopass")),
    ("secrets", "another password for an exporter", secret("syncboard-monitor", "password", "s" * 40)),
    ("secrets", "a short key", secret("syncboard-services", "SYNCBOARD_SECRET_KEY", "short")),
    (
        "secrets",
        "a password that NATS reads as a number",
        secret("syncboard-nats", "cluster-password", "12345678901234567890123456"),
    ),
    ("secrets", "a Secret's key for nobody", secret("syncboard-nats", "spare", "s" * 40)),
    ("autoscaling", "least above most", change("HorizontalPodAutoscaler", "command-service", "spec.minReplicas", 11)),
    ("autoscaling", "one alone", change("HorizontalPodAutoscaler", "projector", "spec.minReplicas", 1)),
    ("autoscaling", "more than asked for", change("HorizontalPodAutoscaler", "query-service", "spec.maxReplicas", 20)),
    ("autoscaling", "fewer than asked for", change("HorizontalPodAutoscaler", "query-service", "spec.minReplicas", 2)),
    ("autoscaling", "undone by the next apply", change(*COMMAND, "spec.replicas", 3)),
    ("autoscaling", "not by the processor", change("HorizontalPodAutoscaler", "query-service", "spec.metrics", [])),
    ("autoscaling", "none", drop("HorizontalPodAutoscaler", "query-service")),
    ("budgets", "everybody may go", change("PodDisruptionBudget", "projector", "spec.minAvailable", 0)),
    ("budgets", "nobody may go", change("PodDisruptionBudget", "command-service", "spec.minAvailable", 3)),
    ("budgets", "none", drop("PodDisruptionBudget", "query-service")),
    ("budgets", "the majority may go", change("PodDisruptionBudget", "nats", "spec.maxUnavailable", 2)),
    ("budgets", "one that can never be moved", change("StatefulSet", "nats", "spec.replicas", 1)),
    ("quota", "too many pods", change("ResourceQuota", "syncboard", "spec.hard.pods", "20")),
    ("quota", "no room for pods that stop", change("ResourceQuota", "syncboard", "spec.hard.limits~cpu", "80")),
    ("quota", "too much memory", change("StatefulSet", "postgres", f"{FIRST}.resources.limits.memory", "40Gi")),
    ("quota", "too much storage", change(*NATS, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "300Gi")),
    ("connections", "too few", change("StatefulSet", "postgres", f"{FIRST}.args.1", "max_connections=100")),
    ("connections", "too few for pods that stop", change("StatefulSet", "postgres", f"{FIRST}.args.1", "max_connections=400")),
    ("connections", "too large pools", change("ConfigMap", "syncboard-settings", "data.SYNCBOARD_DATABASE_CONNECTIONS", "32")),
    (
        "lag",
        "a metric that nobody has",
        change("HorizontalPodAutoscaler", "projector", "spec.metrics.1.pods.metric.name", "projector_lag"),
    ),
    ("lag", "a metric that nobody scrapes", drop("ServiceMonitor", "projector")),
    ("lag", "a metric that nobody serves", lambda system: system.adapter.clear()),
    ("lag", "a metric of no pod", lambda system: system.adapter[0]["resources"]["overrides"].pop("pod")),
    ("lag", "not by lag", change("HorizontalPodAutoscaler", "projector", "spec.metrics.1", GONE)),
    ("lag", "more than there are shards", change("HorizontalPodAutoscaler", "projector", "spec.maxReplicas", 17)),
    ("jobs", "the name of the Service", change("ServiceMonitor", "command-service", JOB, GONE)),
    ("jobs", "a name that nobody asks for", change("ServiceMonitor", "redis-exporter", f"{JOB}.0.replacement", "cache")),
    ("jobs", "one name for two", change("ServiceMonitor", "postgres-exporter", f"{JOB}.0.replacement", "redis")),
    ("jobs", "nobody scrapes what is asked for", drop("ServiceMonitor", "projector")),
    ("jobs", "a job that is none", replace("PrometheusRule", "syncboard", f"{ALERT}.expr", "syncboard-.+", "board-.+")),
    ("watched", "no alerts", drop("PrometheusRule", "syncboard")),
    ("watched", "another alert", replace("PrometheusRule", "syncboard", f"{ALERT}.expr", "== 0", "== 1")),
    ("watched", "an alert less", change("PrometheusRule", "syncboard", ALERT, GONE)),
    ("watched", "a dashboard less", drop("ConfigMap", "syncboard-dashboard-stores")),
    ("watched", "a dashboard that Grafana does not see", change("ConfigMap", "syncboard-dashboard-log", "metadata.labels", GONE)),
    (
        "watched",
        "an exporter that sees rows",
        replace("ConfigMap", "syncboard-monitor", "data.monitor~sql", "pg_monitor", "pg_read_all_data"),
    ),
    ("watched", "an exporter that sees entries", secret("syncboard-redis", "users.acl", "user monitor on >s +@all")),
    ("flows", "nobody is denied", drop(POLICY, "default-deny")),
    (
        "flows",
        "the cache is denied to nobody",
        lambda system: (drop(POLICY, "redis")(system), drop(POLICY, "default-deny")(system)),
    ),
    ("flows", "names cannot be looked up", drop(POLICY, "names")),
    (
        "flows",
        "everybody here",
        policy("x", podSelector={}, policyTypes=["Ingress", "Egress"], ingress=[{"from": HERE}], egress=[{"to": HERE}]),
    ),
    ("flows", "the world", policy("x", podSelector={}, policyTypes=["Egress"], egress=[{}])),
    ("flows", "from everywhere", change(POLICY, "command-service", "spec.ingress.0.from", [])),
    ("flows", "from the controller's neighbours", change(POLICY, "command-service", "spec.ingress.0.from.0.podSelector", {})),
    ("flows", "from another's controller", change(POLICY, "command-service", "spec.ingress.0.from.0.namespaceSelector", {})),
    ("flows", "every port", change(POLICY, "nats", "spec.ingress.0.ports", GONE)),
    ("flows", "another port", change(POLICY, "postgres", "spec.ingress.0.ports.0.port", 5433)),
    ("flows", "the peers' port for services", change(POLICY, "nats", "spec.ingress.0.ports.1", {"port": 6222})),
    ("flows", "no metrics", change(POLICY, "projector", "spec.ingress", [])),
    (
        "flows",
        "a way out to a closed door",
        change(POLICY, "command-service", "spec.egress.2", {"to": HERE, "ports": [{"port": 6379}]}),
    ),
    ("flows", "a door to which nobody comes", change(POLICY, "redis", "spec.ingress.0.from.1", HERE[0])),
    ("flows", "an exporter that is not read", change(POLICY, "postgres-exporter", "spec.ingress", [])),
    ("flows", "an exporter that reaches nothing", drop(POLICY, "redis-monitoring")),
    ("flows", "an exporter for everybody", change(POLICY, "redis-exporter", "spec.ingress.0.from", [])),
    ("flows", "only one way", change(POLICY, "redis", "spec.policyTypes", ["Egress"])),
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
    (
        "log",
        "services may purge",
        replace("ConfigMap", "syncboard-nats", "data.nats~conf", '"$JS.API.STREAM.PURGE.SYNCBOARD_EVENTS",', ""),
    ),
    ("log", "subscribers may publish", replace("ConfigMap", "syncboard-nats", "data.nats~conf", 'publish: { deny: ">" }', "")),
    ("log", "not synced", replace("ConfigMap", "syncboard-nats", "data.nats~conf", '"always"', '"2m"')),
    ("log", "one replica of three", change("Job", "migrate", f"{FIRST}.env.0.value", "1")),
    ("log", "they do not know each other", change("ConfigMap", "syncboard-nats", "data.cluster~conf", "")),
    ("log", "anybody may join", replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "authorization", "#")),
    ("log", "one after another", change(*NATS, "spec.podManagementPolicy", "OrderedReady")),
    ("log", "one that could become three", alone),
    ("log", "two on one machine", change(*NATS, f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "ScheduleAnyway")),
    ("log", "not found before ready", change("Service", "nats-peers", "spec.publishNotReadyAddresses", GONE)),
    ("log", "killed as a lame duck", change(*NATS, f"{POD}.terminationGracePeriodSeconds", 30)),
    (
        "room",
        "the account has no limit",
        replace("ConfigMap", "syncboard-nats", "data.nats~conf", "jetstream: { max_file: $account_max_file }", "jetstream: enabled"),
    ),
    ("room", "a limit that nobody says", replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "account_max_file", "max_file")),
    ("room", "more than the servers take", replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "120GB", "150GB")),
    ("room", "as if stored once", replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "120GB", "40GB")),
    ("room", "a smaller disk", change(*NATS, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "45Gi")),
    ("room", "larger servers", replace("ConfigMap", "syncboard-nats", "data.nats~conf", "45GB", "50GB")),
    ("log", "thrown away with its servers", change(*NATS, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Delete")),
]
