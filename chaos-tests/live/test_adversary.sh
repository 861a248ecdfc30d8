#!/usr/bin/env bash
# The thief of one seat's credential at a pair that is in use, with keys: acts for another seat's sitting, the
# administrators' and the nodes' conversations, channels that are changed, played again and sent back, forged
# marks, absurd epochs, a key that was revoked. Every attempt must fail as it must, in the node's log where it
# is of note, and leave no record; the same with the right credential must succeed (`adversary --help`).
# First on a site at rest, where no record at all may come; then beside honest seats, who must not notice.
# Usage: test_adversary.sh BIN ADVERSARY
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
ADVERSARY=$2

candidate() { # ROW: of the batch that the thief is in, as ADMISSION_NO:ID_NO
    awk -F, -v row="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        NR == row + 1 { print $at["admission_no"] ":" $at["id_no"] }' "$PAIR_DIR/B1.csv"
}

seat() { # ROW
    awk -F, -v row="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        NR == row + 1 { print $at["seat"] }' "$PAIR_DIR/B1.csv"
}

key() { # ROW
    echo "$PAIR_KEYS/seats/R01/$(seat "$1").key"
}

thief() { # ARGUMENTS...
    "$ADVERSARY" --nodes "$FIRST_SEAT" --admin "$FIRST_ADMIN" --replica "$FIRST_REPLICA" ${FIRST_LOGS:+--logs "$FIRST_LOGS"} \
        --key "$(key $THIEF)" --roster "$PAIR_DIR/roster" --candidate "$(candidate $THIEF)" \
        --victim "$(candidate $VICTIM)" --owner-key "$(key $VICTIM)" --person-key "$EXAMCTL_KEY_FILE" \
        --node-key "$PAIR_KEYS/nodes/C.key" --said "$PAIR_DIR/said" --heard "$PAIR_DIR/heard" \
        --patience $((10 * WAIT_FACTOR)) --same "$SAME" "$@"
}

# The one that serves comes first.
first_is() { # NAME OTHER
    FIRST_SEAT=${NODE_SEAT[$1]},${NODE_SEAT[$2]}
    FIRST_ADMIN=${NODE_ADMIN[$1]},${NODE_ADMIN[$2]}
    FIRST_REPLICA=$1@${NODE_REPLICA[$1]},$2@${NODE_REPLICA[$2]}
    FIRST_LOGS=$PAIR_DIR/$1.log,$PAIR_DIR/$2.log
}

told() { # FILE EXIT_CODE WHAT: what the thief's attempts came to
    OUT=$(grep -v '^held\|^control' "$1" || true)
    [ "$2" = 0 ] || fail "$3"
    expect_says '^[1-9][0-9]* attempts failed as they must, [0-9]+ controls succeeded, 0 broken$'
    pass "$3: $OUT"
}

tries() { # WHAT ARGUMENTS...
    local what=$1 code=0
    shift
    thief "$@" >"$PAIR_DIR/thief.out" 2>&1 || code=$?
    cat "$PAIR_DIR/thief.out" >>"$PAIR_DIR/thief.all"
    told "$PAIR_DIR/thief.out" $code "$what"
}

# The log lines of a minute are counted (oplog_gate.h): a node that starts begins anew.
restart() {
    local name
    for name in B A; do
        node_kill $name TERM
        node_start $name
        wait_until 30 "both are there" pair_is_dual
    done
}

# What is judged can be found wrong: exit code 1, and a line that says so.
finds() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    expect 1 thief "$@"
    expect_says "^BROKEN .*$pattern"
}

live_begin "$1"
FIRST_THIEF=2 VICTIM=3 HONEST=4 REVOKED=5
THIEF=$FIRST_THIEF
make_site 2
# The thief's batch stands still when nobody is attached (personal timing); the honest seats' does not.
for room in 1 2; do
    awk -v seat="R0$room-" 'NR == 1 || index($0, seat)' "$PAIR_DIR/site/roster.csv" >"$PAIR_DIR/B$room.csv"
done
cp "$PAIR_DIR/B2.csv" "$PAIR_DIR/site/roster.csv"
pair_up
first_is A B
cp "$PAIR_KEYS/roster" "$PAIR_DIR/roster"
expect 0 ctl import --batch B1 --rooms "$PAIR_DIR/site/rooms.csv" --roster "$PAIR_DIR/B1.csv" \
    --paper "$PAIR_DIR/site/paper.json" --timing personal
expect 0 import_site B2
examctl="'$PAIR_BIN/examctl' --nodes '$ADMIN_NODES'"
victim=$(candidate $VICTIM)
SAME="{ $examctl status --json; $examctl sitting show ${victim%%:*} --json; } |
    jq -sc '.[0].nodes |= map(if .role then {node, role, epoch, branch_records} else error(\"away\") end) | del(.[1].elapsed_ms, .[1].open_ms)' 2>/dev/null"
STILL="$examctl status --digest --json | jq -c '[.nodes[] | if .role then . else error(\"away\") end | {role, epoch, lsn, hash, state_digest}]' 2>/dev/null"

tries "before the start" early
expect 0 ctl batch start B1

# --- an honest session, through a proxy of the thief's

free_port
"$ADVERSARY" --nodes "$FIRST_SEAT" --relay "$FREE_PORT" --said "$PAIR_DIR/said" --heard "$PAIR_DIR/heard" \
    --ready "$PAIR_DIR/relay-ready" >"$PAIR_DIR/relay.out" 2>&1 &
relay=$!
wait_until 10 "the proxy listens" test -e "$PAIR_DIR/relay-ready"
mkdir -p "$PAIR_DIR/honest-journal"
expect 0 timeout $((30 * WAIT_FACTOR)) "$PAIR_BIN/minimal_seat" "A@127.0.0.1:$FREE_PORT" "$(seat $HONEST)" \
    "$(candidate $HONEST | cut -d: -f1)" "$(candidate $HONEST | cut -d: -f2)" "$PAIR_DIR/honest-journal" 2 "$(key $HONEST)" \
    "$PAIR_DIR/roster"
expect_says 'finished, 0 answers not delivered'
wait $relay || fail "the proxy: $(cat "$PAIR_DIR/relay.out")"
pass "an honest session, recorded: $(cat "$PAIR_DIR/relay.out")"

# --- on a site at rest

tries "at rest" --still "$STILL" identity conversations marks epochs replay

for name in A B; do # 40 more were caused
    [ "$(grep -c event=seat-saw-higher-epoch "$PAIR_DIR/$name.log")" -le 20 ] ||
        fail "a seat fills the log of $name with what it says"
done

finds 'identity/sign-in-other: .*attached .*the thief has got through' --key "$(key $REVOKED)" \
    --owner-key "$(key $REVOKED)" --victim "$(candidate $REVOKED)" identity
finds 'replay/same-node: .*there are records that were not there before' --still 'date +%N' --patience $((2 * WAIT_FACTOR)) replay
finds "replay/same-node: .*the node's log does not say so" --logs /dev/null,/dev/null --patience $((2 * WAIT_FACTOR)) replay
FIRST_LOGS= finds 'replay/nodes-words: .*who serves, or the other seat.s sitting' --same 'date +%N' replay
pass "a credential that opens, a record that comes, a log that is silent: each is found"

restart
tries "the recorded session after a restart" --still "$STILL" replay
if node_has_role B primary; then first_is B A; fi
tries "channels at rest" --still "$STILL" channel
restart
if node_has_role B primary; then first_is B A; else first_is A B; fi

# --- beside honest seats

BATCH=B2
seats_begin "${LIVE_SEATS:-10}" open 200
expect 0 ctl batch start B2
wait_until 60 "some answers are saved" saved_reach "${LIVE_SEATS:-10}"

THIEF=$REVOKED
thief --ready "$PAIR_DIR/attached" revoked >"$PAIR_DIR/thief.out" 2>&1 &
thief=$!
wait_until 20 "the thief is attached" test -e "$PAIR_DIR/attached"
expect 0 "$PAIR_BIN/examctl" site revoke seat "$(seat $REVOKED)" --keys "$PAIR_KEYS"
code=0
wait $thief || code=$?
told "$PAIR_DIR/thief.out" $code "a key that is revoked"

THIEF=$FIRST_THIEF
cp "$PAIR_KEYS/roster" "$PAIR_DIR/roster"
acked=$(wc -l <"$PAIR_DIR/acked.csv")
FIRST_LOGS= # told at rest: now there are more refusals in a minute than are logged
groups=all
[ "$WAIT_FACTOR" = 1 ] || groups="identity replay" # a sanitized build is slower, and has been through all of them
# shellcheck disable=SC2086
tries "beside honest seats" $groups
saved_reach $((acked + 10))

# T11: a session that a moved candidate has left, at a seat that it was never at
tries "the session of a moved candidate" --spare-key "$PAIR_KEYS/seats/R01/R01-48.key" \
    --move "$examctl move ${victim%%:*} R01-48 --reason 'the screen flickers' --yes >&2" former


# A roster without a node whose key is lost lets nobody in who has the one before.
expect 0 "$PAIR_BIN/examctl" site revoke node C --keys "$PAIR_KEYS"
for name in A B; do
    wait_until 10 "$name takes roster 3" grep -q 'event=roster .*version=3 ' "$PAIR_DIR/$name.log"
done
expect 0 thief --json outdated
grep '^{' <<<"$OUT" | jq -es 'length == 2 and all(.as_it_must) and (map(.control) | sort) == [false, true]' >/dev/null ||
    fail "the attempts as JSON"
pass "an outdated roster: $(tail -n 1 <<<"$OUT")"

seats_end
[ "$(seats_figure losses)" = 0 ] || fail "honest seats lost contact"
result_check B2
pass "$(wc -l <"$PAIR_DIR/acked.csv") answers of honest seats meanwhile; nothing lost, every account as the seats reckon it"

# --- what the log of records has of all that

for name in A B; do node_kill $name TERM; done
"$PAIR_BIN/examreplay" export "$PAIR_DIR/B" >"$PAIR_DIR/log.jsonl" 2>/dev/null
events_of() { # ADMISSION_NO: how many of each kind
    jq -r --arg of "$1" '.event | to_entries[0] | select([.value.sitting_name?] | flatten | index($of)) | .key' \
        "$PAIR_DIR/log.jsonl" | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd,
}
attached=$(grep -c '^control .* the other seat itself \(signed\|attached with them\)' "$PAIR_DIR/thief.all")
expect_same "$attached attached,$attached detached,1 moved,1 signed_in" "$(events_of "${victim%%:*}")" \
    "what is on record of the other candidate"
others=$(jq -r '.event[] | .who? // empty' "$PAIR_DIR/log.jsonl" | grep -vxE "|A|B|$EXAMCTL_WHO" || true)
expect_same '' "$others" "who else has acted, by the log"
pass "the log has of the other candidate what its own seat and a person have done, and no act of anybody else"
