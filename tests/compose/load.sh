#!/usr/bin/env bash
# The load of tests/compose.sh, and what came of it. It needs no engine, only an address that answers as the proxy does:
#
#   load.sh client NAME     uploads documents one after another, and reads each as soon as it is acknowledged
#   load.sh check           reads all that was acknowledged once more
#   load.sh outcome WHO…    a table of what was done while each was away; exit status 1 unless nothing is lost or wrong
#
# WRITES and READS are addresses, AUTHORIZATION and CERTIFICATE what requests need; a client uploads at most UPLOADS, and insists
# on each for PATIENCE seconds. In FOLDER the file `away` says who is away, and `enough` ends the clients. There they keep
# journals, a line for all that happens: who was away, what, of which document or why, and more.
set -euo pipefail
NAME=${2:-all} AWAY=

now() { date +%s%3N; }
# What, of what, and more.
note() { local IFS=$'\t'; echo "${AWAY:-$(<"$FOLDER/away")}"$'\t'"$*" >>"$FOLDER/journal.$NAME"; }

# Asks once. STATUS is that of the answer, ANSWER its body, WHY both in short, PAUSE the seconds after which it wants to be asked
# again. Without a whole answer STATUS is what curl calls that: an answer that was cut is none, whatever it begins with.
ask() {
  local headers=$FOLDER/headers.$NAME failure=0
  : >"$headers"
  ANSWER=$(curl --silent --show-error --max-time 15 --cacert "$CERTIFICATE" --dump-header "$headers" --write-out '\n%{http_code}' \
    -H "$AUTHORIZATION" "$@" 2>>"$FOLDER/errors.$NAME") || failure=$?
  STATUS=${ANSWER##*$'\n'} ANSWER=${ANSWER%$'\n'*} PAUSE=0.2
  [ "$failure" = 0 ] || STATUS=curl-$failure ANSWER=
  WHY=$STATUS
  [[ ! $ANSWER =~ \"code\":\"([a-z_]+)\" ]] || WHY+=" ${BASH_REMATCH[1]}"
  [[ ! $(<"$headers") =~ [Rr]etry-[Aa]fter:\ *([0-9]+) ]] || PAUSE=$((BASH_REMATCH[1] < 5 ? BASH_REMATCH[1] : 5))
}

# How KEY, ID, SEQUENCE: reads what was acknowledged, and no earlier state of it, until it is answered. It is lost if there is no
# such document, and wrong if it is another. Only what passes is asked for again.
read_back() {
  local begun deadline=$((SECONDS + PATIENCE))
  begun=$(now)
  while :; do
    ask "$READS/v1/documents/$3?min_sequence=$4"
    case $STATUS in
      200)
        if [[ $ANSWER == *"\"id\":\"$3\""* && $ANSWER == *"\"title\":\"$2\""* ]]; then
          note "$1" "$2" "$(($(now) - begun))"
        else
          note wrong "$2" "$3" "$4" "${ANSWER//[$'\t\r\n']/ }"
        fi
        return ;;
      404) note lost "$2" "$3" "$4" "$WHY"; return ;;
      502 | 503 | 504 | curl-*) note "$1 repeated" "$WHY" ;;
      *) deadline=0 ;;
    esac
    [ "$SECONDS" -lt "$deadline" ] || { note unanswered "$2" "$3" "$4" "$1" "$WHY"; return 1; }
    sleep "$PAUSE"
  done
}

# Each upload is sent with its key until it is acknowledged: every 0.2 s, as who does not heed Retry-After would.
client() {
  local n key deadline id sequence
  for ((n = 0; n < UPLOADS; n++)); do
    [ ! -e "$FOLDER/enough" ] || break
    key=load-$NAME-$n deadline=$((SECONDS + PATIENCE))
    while :; do
      ask "$WRITES/v1/documents" -H 'content-type: application/json' -H "Idempotency-Key: $key" \
        -d "{\"title\":\"$key\",\"text\":\"Text of $key, which tells of kernels.\"}"
      [ "$STATUS" != 201 ] || break
      note 'command repeated' "$WHY"
      [ "$SECONDS" -lt "$deadline" ] || { note unanswered "$key" - - command "$WHY"; return 1; }
      sleep 0.2
    done
    [[ $ANSWER =~ \"id\":\"([0-9a-f-]+)\" ]] && id=${BASH_REMATCH[1]} && [[ $ANSWER =~ \"sequence\":([0-9]+) ]] ||
      { note wrong "$key" - - "${ANSWER//[$'\t\r\n']/ }"; return 1; }
    sequence=${BASH_REMATCH[1]}
    note acknowledged "$key" "$id" "$sequence"
    read_back read "$key" "$id" "$sequence"
    sleep 0.25
  done
}

check() {
  local key id sequence
  AWAY='nobody, at the end'
  while IFS=$'\t' read -r _ _ key id sequence; do
    read_back 'read again' "$key" "$id" "$sequence"
  done < <(cat "$FOLDER"/journal.* | grep $'^[^\t]*\tacknowledged\t')
}

# A row of what was done while somebody was away, or at any time; exit status 1 if that is nothing. What is lost or wrong counts
# where it was acknowledged.
row() {
  cat "$FOLDER"/journal.* | awk -F '\t' -v label="$1" -v away="${2-}" '
    $2 == "acknowledged" { then[$3] = $1 }
    $2 == "lost" || $2 == "wrong" { if (seen[$2, $3]++) next; if ($3 in then) $1 = then[$3] }
    away != "" && $1 != away { next }
    { n[$2]++ }
    $2 == "read" && $4 > longest { longest = $4 }
    END {
      printf "| %s | %d | %d | %d | %d | %.1f s | %d | %d |\n", label, n["acknowledged"], n["command repeated"], n["read"],
        n["read repeated"], longest / 1000, n["lost"], n["wrong"]
      exit !(n["acknowledged"] && n["read"])
    }'
}

# How many different of a field have lines of this kind.
count() { cat "$FOLDER"/journal.* | awk -F '\t' -v what="$1" -v of="$2" '$2 == what && !seen[$of]++ { n++ } END { print n + 0 }'; }

outcome() {
  local who idle=() keys
  echo '| killed | commands acknowledged | repeated | reads answered | repeated | longest read | lost | wrong |'
  echo '| --- | --: | --: | --: | --: | --: | --: | --: |'
  for who; do row "$who" "$who" || idle+=("$who"); done
  row 'in all, and between' || idle+=(anybody)
  printf '\n| away | repeated | after | times |\n| --- | --- | --- | --: |\n'
  cat "$FOLDER"/journal.* | awk -F '\t' '
    sub(/ repeated$/, "", $2) { n[$1 " | " $2 " | " $3]++ }
    END { for (repeat in n) print "| " repeat " | " n[repeat] " |" }' | sort
  if grep -hE $'^[^\t]*\t(lost|wrong|unanswered)\t' "$FOLDER"/journal.* >&2; then return 1; fi
  [ "${#idle[@]}" = 0 ] || { echo "nothing was written, or nothing read, without ${idle[*]}" >&2; return 1; }
  keys=$(count acknowledged 3)
  [ "$(count acknowledged 4)" = "$keys" ] || { echo "two keys have one document" >&2; return 1; }
  [ "$(count read 3)/$(count 'read again' 3)" = "$keys/$keys" ] || { echo "not all of $keys uploads were read" >&2; return 1; }
}

case ${1:-} in
  client | check) "$1" ;;
  outcome) outcome "${@:2}" ;;
  *) echo "what of client, check and outcome?" >&2; exit 2 ;;
esac
