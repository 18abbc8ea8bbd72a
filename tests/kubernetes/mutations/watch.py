from mutations.ways import GONE, change, drop, replace, secret

JOB = "spec.endpoints.0.relabelings"
ALERT = "spec.groups.4.rules.0"

MUTATIONS = [
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
]
