from mutations.ways import FIRST, GONE, NATS, POD, change, replace


def alone(system):
    """One server for the log, in everything but that it could become three."""
    change("StatefulSet", "nats", "spec.replicas", 1)(system)
    change("Job", "migrate", f"{FIRST}.env.0.value", "1")(system)
    change("ConfigMap", "syncboard-nats", "data.cluster~conf", "")(system)


MUTATIONS = [
    (
        "log",
        "services may purge",
        replace("ConfigMap", "syncboard-nats", "data.nats~conf", '"$JS.API.STREAM.PURGE.SYNCBOARD_EVENTS",', ""),
    ),
    ("log", "subscribers may publish", replace("ConfigMap", "syncboard-nats", "data.nats~conf", 'publish: { deny: ">" }', "")),
    (
        "log",
        "a further user",
        replace("ConfigMap", "syncboard-nats", "data.nats~conf", "users: [", 'users: [{ user: "x", password: x }'),
    ),
    (
        "log",
        "who says nothing is let in",
        replace("ConfigMap", "syncboard-nats", "data.nats~conf", "accounts {", 'no_auth_user: "admin"\naccounts {'),
    ),
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
        replace(
            "ConfigMap", "syncboard-nats", "data.nats~conf", "jetstream: { max_file: $account_max_file }", "jetstream: enabled"
        ),
    ),
    (
        "room",
        "a limit that nobody says",
        replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "account_max_file", "max_file"),
    ),
    ("room", "more than the servers take", replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "120GB", "150GB")),
    ("room", "as if stored once", replace("ConfigMap", "syncboard-nats", "data.cluster~conf", "120GB", "40GB")),
    ("room", "a smaller disk", change(*NATS, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "45Gi")),
    ("room", "larger servers", replace("ConfigMap", "syncboard-nats", "data.nats~conf", "45GB", "50GB")),
]
