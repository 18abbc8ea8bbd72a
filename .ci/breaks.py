"""One change for each way in which the stacks' promises can be broken: it must be noticed, and for what it is."""

from pathlib import Path
import shutil
import tempfile

DEVELOPMENT, PRODUCTION, MONITORING = (f"compose/{name}.yaml" for name in ("development", "production", "monitoring"))
NATS, PEERS, PROXY = "compose/nats.conf", "compose/nats-cluster.conf", "proxy/nginx.conf"
WITHOUT = ""
PURGE = '"$JS.API.STREAM.PURGE.SYNCBOARD_EVENTS",'
MIGRATED = "    migrate: {condition: service_completed_successfully}\n"
THIRD = """  nats-3:
    <<: *nats
    environment: {<<: *nats-settings, NATS_NAME: nats-3}
    volumes: ["nats-3:/var/tmp"]
"""
DATABASE = """    depends_on:
      postgres: {condition: service_healthy}
    deploy:
      resources:
        limits: {cpus: "0.5"""
PROJECTOR = """      REDIS_URL_FILE: /run/secrets/redis_url
    secrets: [nats_url, database_url, redis_url]
    networks: [log, stores, metrics]
"""
KEYS = "      REDIS_URL_FILE: /run/secrets/redis_url\n      SYNCBOARD_SECRET_KEY_FILE"
QUERIES = "accepted_keys]\n    networks: [services, log, stores, metrics]\n    deploy: *two\n\n  command-service"

# What is said of it, the file in deploy/, what is changed there at its first place, and into what.
BREAKS = [
    ("services may do other things", NATS, PURGE, WITHOUT),
    ("subscriber may do other things", NATS, 'publish: { deny: ">" }', WITHOUT),
    ("guest may do other things", NATS, "  users: [", '  users: [\n    { user: "guest", password: "guest" }'),
    ("who says nothing may do other things", NATS, "accounts {", 'no_auth_user: "admin"\naccounts {'),
    ("the account has no limit", NATS, "  jetstream: { max_file: $NATS_MAX_FILE }", "  jetstream: enabled"),
    ("proxy: is in stores", PRODUCTION, "networks: [outside, services]", "networks: [outside, services, stores]"),
    ("query-service: is not in log", PRODUCTION, QUERIES, QUERIES.replace("log, ", WITHOUT)),
    ("query-service: finds no nats-1", PRODUCTION, QUERIES, QUERIES.replace("log, ", WITHOUT)),
    ("network log: leads outside", PRODUCTION, "  log: {internal: true}", "  log: {}"),
    ("network stores: leads outside", DEVELOPMENT, "  stores: {internal: true}", "  stores: {}"),
    ("network back is not known", PRODUCTION, "  outside: {}", "  outside: {}\n  back: {}"),
    ("grafana: is in receivers", MONITORING, "networks: [operators]\n", "networks: [operators, receivers]\n"),
    ("proxy: does not wait for query-service", PRODUCTION, "      query-service: {condition: service_healthy}\n", WITHOUT),
    ("migrate: does not wait for nats-2", PRODUCTION, "      nats-2: {condition: service_healthy}\n", WITHOUT),
    ("projector: does not wait for migrate", PRODUCTION, MIGRATED, WITHOUT),
    ("command-service: does not wait for migrate", DEVELOPMENT, MIGRATED, WITHOUT),
    (
        "projector: does not wait for redis to be healthy",
        DEVELOPMENT,
        "redis: {condition: service_healthy}",
        "redis: {condition: service_started}",
    ),
    ("monitor-role: does not wait for postgres", MONITORING, DATABASE, DATABASE[DATABASE.index("    deploy") :]),
    (
        "waits for postgres, of which nobody says",
        DEVELOPMENT,
        'test: ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres"]',
        "disable: true",
    ),
    ("3 replicas are asked of 2 nodes", PRODUCTION, THIRD, WITHOUT),
    ("finds no nats-3", PRODUCTION, THIRD, WITHOUT),
    ("know ['nats-1', 'nats-2', 'nats-3']", PRODUCTION, THIRD, WITHOUT),
    ("1 replicas are asked of 3 nodes", PRODUCTION, "SYNCBOARD_NATS_REPLICAS: 3", "SYNCBOARD_NATS_REPLICAS: 1"),
    ("nats-1: is alone by its configuration", PRODUCTION, '["-c", "/etc/nats/nats-cluster.conf"]', '["-c", "/etc/nats/nats.conf"]'),
    ("nats-1: holds nats_peers.conf for nothing", PEERS, '  include "peers.conf"\n', WITHOUT),
    ("nats-2: has another's name", PRODUCTION, "NATS_NAME: nats-2", "NATS_NAME: nats-1"),
    ("nats: is not given NATS_SYNC_INTERVAL", DEVELOPMENT, "NATS_SYNC_INTERVAL: 100ms, ", WITHOUT),
    ("nats-2: keeps what it holds where nats-1 does", PRODUCTION, '["nats-2:/var/tmp"]', '["nats-1:/var/tmp"]'),
    ("nats-3: keeps /var/tmp on no volume", PRODUCTION, '["nats-3:/var/tmp"]', '["nats-3:/var/lib/nats"]'),
    ("nats: keeps /data on no volume", NATS, 'store_dir: "/var/tmp"', 'store_dir: "/data"'),
    (
        "postgres: keeps /var/lib/postgresql/data on no volume",
        DEVELOPMENT,
        '    volumes: ["postgres:/var/lib/postgresql/data"]\n',
        WITHOUT,
    ),
    ("projector: holds nats_admin_url", PRODUCTION, PROJECTOR, PROJECTOR.replace("[nats_url", "[nats_admin_url, nats_url")),
    (
        "projector: holds nats_admin_url",
        PRODUCTION,
        '  nats_url: {file: "${SYNCBOARD_SECRETS:-./.secrets}/nats_url"}',
        '  nats_url: {file: "${SYNCBOARD_SECRETS:-./.secrets}/nats_admin_url"}',
    ),
    ("projector: holds llm_key for nothing", PRODUCTION, PROJECTOR, PROJECTOR.replace("[nats_url", "[llm_key, nats_url")),
    ("projector: has no /run/secrets/redis_url", PRODUCTION, PROJECTOR, PROJECTOR.replace(", redis_url", WITHOUT)),
    ("projector: is not given REDIS_URL", PRODUCTION, PROJECTOR, PROJECTOR[PROJECTOR.index("    secrets") :]),
    ("secret redis_url: deploy/compose/secrets does not make it", DEVELOPMENT, '}/redis_url"', '}/cache_url"'),
    ("secret tls.crt: deploy/compose/secrets does not make it", PRODUCTION, '/tls.crt"', '/certificate.pem"'),
    ("postgres: 5432 is open at 0.0.0.0", DEVELOPMENT, "127.0.0.1:${SYNCBOARD_POSTGRES_PORT", "${SYNCBOARD_POSTGRES_PORT"),
    ("redis: 6379 is open at 0.0.0.0", DEVELOPMENT, "    command: [redis-server", "    ports: [6379]\n    command: [redis-server"),
    (
        "redis: 6379 is open at 127.0.0.1",
        PRODUCTION,
        "    command: [redis-server",
        '    ports: ["127.0.0.1:6379:6379"]\n    command: [redis-server',
    ),
    ("grafana: 3000 is open at 0.0.0.0", MONITORING, "127.0.0.1:${SYNCBOARD_GRAFANA_PORT", "${SYNCBOARD_GRAFANA_PORT"),
    (
        "redis: is in the network of host",
        PRODUCTION,
        "    command: [redis-server",
        "    network_mode: host\n    command: [redis-server",
    ),
    ("redis-exporter: finds no cache", MONITORING, "redis://redis:6379", "redis://cache:6379"),
    ("postgres-exporter: finds no database", MONITORING, "postgres:5432/postgres", "database:5432/postgres"),
    ("monitor-role: finds no pg", MONITORING, "--host postgres", "--host pg"),
    ("proxy: finds no queries", PROXY, "query-service:8081", "queries:8081"),
    ("proxy: query-service does not listen at 8081", PRODUCTION, KEYS, f"      SYNCBOARD_QUERY_LISTEN: 0.0.0.0:9091\n{KEYS}"),
    ("projector: is not there twice", PRODUCTION, "replicas: 2", "replicas: 1"),
    ("migrate: runs as root", PRODUCTION, "command: [migrate]", 'command: [migrate]\n    user: "0"'),
    ("redis: read_only is not True", DEVELOPMENT, "    command: [redis-server", "    read_only: false\n    command: [redis-server"),
    ("projector: is given SYNCBOARD_LOGS", DEVELOPMENT, "SYNCBOARD_LOG:", "SYNCBOARD_LOGS:"),
    ("projector: REDIS_URL is in the environment", DEVELOPMENT, "REDIS_URL_FILE:", "REDIS_URL:"),
    ("postgres: no limit of memory", PRODUCTION, "memory: 2G, ", WITHOUT),
    ("prometheus: its jobs are not those", "compose/prometheus.yml", "job_name: redis", "job_name: cache"),
    ("changes postgres, of the services", MONITORING, "services:\n", "services:\n  postgres: {image: x:1.2.3}\n"),
]


def unnoticed(folder, secrets, faults):
    """The changes of which nobody says what they are."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / "deploy"
        shutil.copytree(folder.parent, copy, ignore=shutil.ignore_patterns(".secrets"))
        for sentence, name, old, new in BREAKS:
            file = copy / name
            text = file.read_text(encoding="utf-8")
            if old not in text:
                yield f"{name}: {old!r} is not there to be changed"
                continue
            file.write_text(text.replace(old, new, 1), encoding="utf-8")
            if not any(sentence in fault for fault in faults(copy / "compose", secrets)):
                yield f"{name}: it is not noticed that {sentence!r}"
            file.write_text(text, encoding="utf-8")
