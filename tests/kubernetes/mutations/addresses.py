from mutations.ways import COMMAND, FIRST, change, drop, replace, secret

EXPORTER = ("Deployment", "redis-exporter")

MUTATIONS = [
    ("addresses", "a host that is not there", secret("syncboard-services", "REDIS_URL", "redis://a:b@cache:6379")),
    ("addresses", "a namespace that is not there", secret("syncboard-services", "REDIS_URL", "redis://a:b@redis.caches:6379")),
    ("addresses", "a port that is not there", secret("syncboard-services", "NATS_URL", "nats://a:b@nats:4223")),
    ("addresses", "a pod that is not there", secret("syncboard-nats", "routes", '["nats://a:b@nats-3.nats-peers:6222"]')),
    ("addresses", "an address that moves", change("Service", "postgres", "spec.clusterIP", "None")),
    ("addresses", "no credential", secret("syncboard-services", "NATS_URL", "nats://nats:4222")),
    ("addresses", "a Service that is not there", drop("Service", "redis")),
    ("addresses", "a Service of another namespace", change("Service", "redis", "metadata.namespace", "caches")),
    ("addresses", "an exporter's host", change(*EXPORTER, f"{FIRST}.env.0.value", "redis://cache:6379")),
    ("addresses", "another's Service", change(*EXPORTER, f"{FIRST}.env.0.value", "redis://nats:4222")),
    ("addresses", "an exporter's password", change(*EXPORTER, f"{FIRST}.env.0.value", "redis://monitor:word@redis:6379")),
    ("addresses", "nothing to look at", change(*EXPORTER, f"{FIRST}.env.0.value", "redis")),
    (
        "addresses",
        "an exporter's database",
        change("Deployment", "postgres-exporter", f"{FIRST}.env.0.value", "database:5432/postgres?sslmode=disable"),
    ),
    ("addresses", "a Job's host", change("Job", "monitor-role", f"{FIRST}.command.4", "--host=pg")),
    ("addresses", "a Job's port", change("Job", "monitor-role", f"{FIRST}.command.4", "--host=postgres --port=5433")),
    ("addresses", "a probe of nobody", change("StatefulSet", "postgres", f"{FIRST}.readinessProbe.exec.command.1", "--host=pg")),
    (
        "addresses",
        "a probe of another port",
        change("StatefulSet", "postgres", f"{FIRST}.startupProbe.exec.command.1", "--host=127.0.0.1 --port=5433"),
    ),
    (
        "addresses",
        "a setting's host, for all",
        change("ConfigMap", "syncboard-settings", "data.SYNCBOARD_LLM_URL", "http://llm:80"),
    ),
    ("addresses", "the log for the database", secret("syncboard-services", "DATABASE_URL", "postgres://a:b@nats:4222/syncboard")),
    ("addresses", "heard where nobody asks", change(*COMMAND, f"{FIRST}.env.0.value", "0.0.0.0:9090")),
    ("addresses", "heard by itself alone", change(*COMMAND, f"{FIRST}.env.0.value", "127.0.0.1:8080")),
    ("addresses", "asked where nobody listens", change(*COMMAND, f"{FIRST}.ports.0.containerPort", 9090)),
    ("addresses", "the log's port", replace("ConfigMap", "syncboard-nats", "data.nats~conf", "0.0.0.0:4222", "0.0.0.0:4223")),
    ("addresses", "the cache's port", replace("ConfigMap", "syncboard-redis", "data.valkey~conf", "port 6379", "port 6380")),
]
