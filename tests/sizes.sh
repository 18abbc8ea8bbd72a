#!/usr/bin/env bash
# What a running system takes for the documents and events that it has, as tables for docs/scaling.md: each table and index of
# PostgreSQL, the stores beside it, the processes. Of one that `cargo run` started on this machine, and that has caught up.
#
#     tests/sizes.sh [DATA FOLDER]
set -euo pipefail
data=${1:-.syncboard}

setting() { sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$data/run.json"; }
database=$(setting database_url)
sql() { psql --quiet --no-psqlrc --tuples-only --no-align "$database" --command "$1"; }
metric() { curl -fsS "$(setting command_url)/metrics" | awk -v name="$1" '$1 == name { printf "%.0f", $2 }'; }
# redis://:PASSWORD@HOST:PORT, which older redis-cli take for a user without a name.
cache() {
  local url host
  url=$(setting redis_url) && host=${url##*@} && url=${url#redis://:}
  REDISCLI_AUTH=${url%@*} redis-cli --raw -h "${host%:*}" -p "${host#*:}" "$@"
}
# What of one that is behind were divided by the documents to come.
behind=$(curl -fsS "$(setting projector_url)/health" | sed -n 's/.*"lag":\([0-9]*\)},"parts.*/\1/p')
[ "$behind" = 0 ] || { echo "the projector is ${behind:-how far} events behind: wait until it is not" >&2; exit 1; }
per() { awk -v all="$1" -v of="$2" 'BEGIN { if (of > 0) printf "%.1f", all / of; else printf "-" }'; }

sql 'vacuum (analyze)'
documents=$(sql 'select count(*) from read_model.document')
workspaces=$(sql 'select count(distinct workspace_id) from read_model.document')
events=$(metric syncboard_log_events)
echo "$documents documents in $workspaces workspaces, $events events."

printf '\n| table | rows | rows, bytes | long values | indexes | bytes per document |\n| --- | --: | --: | --: | --: | --: |\n'
sql "
  with measured as (
    select n.nspname || '.' || c.relname as name, greatest(c.reltuples, 0)::bigint as rows, pg_total_relation_size(c.oid) as all_bytes,
           pg_indexes_size(c.oid) as indexes, coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) as long
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('read_model', 'knowledge', 'analysis', 'operations', 'identity'))
  select format('| \`%s\` | %s | %s | %s | %s | %s |', name, rows, all_bytes - indexes - long, long, indexes,
                round(all_bytes / nullif($documents, 0)::numeric, 1))
  from measured where all_bytes > 131072 order by all_bytes desc"

printf '\n| index | bytes | per document |\n| --- | --: | --: |\n'
sql "
  select format('| \`%s.%s\` | %s | %s |', schemaname, indexrelname, pg_relation_size(indexrelid),
                round(pg_relation_size(indexrelid) / nullif($documents, 0)::numeric, 1))
  from pg_stat_user_indexes where pg_relation_size(indexrelid) > 131072 order by pg_relation_size(indexrelid) desc"

# A folder's files as they are on the disk.
folder() { [ ! -d "$1" ] || du --summarize --block-size=1 "$1" | cut -f1; }
streams=$data/nats/jetstream/\$G/streams
store() { printf '| %s | %s | %s | %s |\n' "$1" "$2" "$(per "$2" "$documents")" "$(per "$2" "$events")"; }
printf '\n| store | bytes | per document | per event |\n| --- | --: | --: | --: |\n'
store 'log, as NATS counts it' "$(metric syncboard_log_bytes)"
store 'log, on disk' "$(folder "$streams/SYNCBOARD_EVENTS")"
store 'long texts, on disk' "$(folder "$streams/OBJ_SYNCBOARD_BLOBS")"
for schema in read_model knowledge analysis; do
  store "PostgreSQL, $schema" "$(sql "select sum(pg_total_relation_size(c.oid)) from pg_class c where c.relkind = 'r'
    and c.relnamespace = '$schema'::regnamespace")"
done
store 'PostgreSQL, indexes of these' "$(sql "select sum(pg_relation_size(indexrelid)) from pg_stat_user_indexes
  where schemaname in ('read_model', 'knowledge', 'analysis')")"
store 'PostgreSQL, log of its changes since it was made' "$(sql "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")"
store 'PostgreSQL, whole' "$(sql 'select pg_database_size(current_database())')"

# Up to 500 answers, and what keeps their places while documents change, with their keys.
each=$(cache --scan --pattern 'syncboard:document:*' | awk 'NR <= 500 { print "memory usage", $0 }' | cache |
  awk '{ sum += $1 } END { if (NR > 0) printf "%.0f", sum / NR; else printf "-" }')
printf '\nRedis: %s keys, %s bytes each.\n' "$(cache dbsize)" "$each"

printf '\n| process | resident MiB | CPU s | CPU ms per event |\n| --- | --: | --: | --: |\n'
for process in command-service nats-server postgres projector query-service redis-server; do
  pid=$(setting "$process")
  # Of PostgreSQL its children too: what they share is counted with each of them, so the proportional share is taken.
  mapfile -t pids < <(echo "$pid" && pgrep --parent "$pid")
  resident=$(for one in "${pids[@]}"; do cat "/proc/$one/smaps_rollup" 2>/dev/null || true; done |
    awk '$1 == "Pss:" { sum += $2 } END { printf "%.0f", sum / 1024 }')
  # utime and stime of each; cutime and cstime are of children that have ended.
  cpu=$(for one in "${pids[@]}"; do sed 's/.*) //' "/proc/$one/stat" 2>/dev/null || true; done |
    awk -v tick="$(getconf CLK_TCK)" '{ sum += $12 + $13 + $14 + $15 } END { printf "%.1f", sum / tick }')
  printf '| %s | %s | %s | %s |\n' "$process" "$resident" "$cpu" "$(per "${cpu}e3" "$events")"
done
