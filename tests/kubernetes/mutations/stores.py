from mutations.ways import FIRST, GONE, NATS, POD, change, drop, replace

LIMIT = ("ConfigMap", "syncboard-settings", "data.SYNCBOARD_DATABASE_LIMIT")
BEGINNING = ("ConfigMap", "syncboard-postgres", "data.syncboard~sql")


def passing(system):
    """The cache's claim is a folder that ends with its pod."""
    change("StatefulSet", "redis", "spec.volumeClaimTemplates", GONE)(system)
    change("StatefulSet", "redis", f"{POD}.volumes.2", {"name": "data", "emptyDir": {}})(system)


MUTATIONS = [
    ("kept", "thrown away with its servers", change(*NATS, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Delete")),
    ("kept", "the log beside its disk", change(*NATS, f"{FIRST}.volumeMounts.2.mountPath", "/elsewhere")),
    ("kept", "the log elsewhere than its disk", replace("ConfigMap", "syncboard-nats", "data.nats~conf", '"/data"', '"/run/nats"')),
    ("kept", "something laid over the log", change(*NATS, f"{FIRST}.volumeMounts.1.mountPath", "/data/")),
    ("kept", "the database in passing", change("StatefulSet", "postgres", f"{FIRST}.env.0.value", "/tmp/pg")),
    ("kept", "the database where its image has it", change("StatefulSet", "postgres", f"{FIRST}.env.0", GONE)),
    ("kept", "the cache in passing", passing),
    ("kept", "the cache elsewhere", replace("ConfigMap", "syncboard-redis", "data.valkey~conf", "dir /data", "dir /tmp")),
    (
        "kept",
        "the cache begins anew",
        replace("ConfigMap", "syncboard-redis", "data.valkey~conf", "appendonly yes", "appendonly no"),
    ),
    ("kept", "a store that is not known", drop("StatefulSet", "redis")),
    ("space", "nobody sees it end", change(*LIMIT, GONE)),
    ("space", "seen too late", change(*LIMIT, "100GiB")),
    ("space", "seen too early", change(*LIMIT, "9GiB")),
    ("made", "a role that may do more", replace(*BEGINNING, "role syncboard login", "role syncboard superuser login")),
    ("made", "a password that is not there", replace(*BEGINNING, "SYNCBOARD_ROLE_PASSWORD", "SYNCBOARD_PASSWORD")),
]
