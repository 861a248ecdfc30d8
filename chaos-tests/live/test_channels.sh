#!/usr/bin/env bash
# Who is let in, on real processes: a wrong, unknown, missing or revoked key is refused before a byte of it
# is taken for a message, and is in the node's log; a key opens nothing under another name; a recorded
# session that is played again comes to nothing; a revocation reaches a node that runs.
# Usage: test_channels.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"

logged() { # NODE PATTERN: since the last call of mark
    tail -n +"$((${MARK[$1]:-0} + 1))" "$PAIR_DIR/$1.log" | grep -Eq "$2"
}

declare -A MARK=()
mark() { # NODE
    MARK[$1]=$(wc -l <"$PAIR_DIR/$1.log")
}

rosters_are() { # VERSION: both nodes have it
    local node
    for node in A B; do
        wait_until 10 "$node takes roster $1" grep -q "event=roster .*version=$1 " "$PAIR_DIR/$node.log"
    done
}

tool() { # KEY_FILE ARGS...: examctl with another key
    local key=$1
    shift
    EXAMCTL_KEY_FILE=$key "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" "$@"
}

seat_says() { # SEAT KEY_FILE ROSTER PATTERN: a seat with these is told so
    mkdir -p "$PAIR_DIR/lone-journal"
    timeout $((10 * WAIT_FACTOR)) "$PAIR_BIN/minimal_seat" "$SEAT_NODES" "$1" 1 1 "$PAIR_DIR/lone-journal" 1 \
        "$2" "$3" >"$PAIR_DIR/lone.log" 2>&1 &
    local pid=$! code=0
    wait_until 10 "the seat is told: $4" grep -Eq "$4" "$PAIR_DIR/lone.log" || code=1
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    return $code
}

plain_bytes() { # BYTES_OF_PAYLOAD: a frame that is no hello
    printf "\\x00\\x00\\x00\\x$(printf %02x "$1")"
    head -c "$1" /dev/zero
}

to() { # ADDRESS: standard input as it is; ends when the node ends it
    timeout $((10 * WAIT_FACTOR)) socat -t 2 - "TCP:${1#*@}" >/dev/null || true
}

relay=
live_tidy_more() {
    [ -z "$relay" ] || kill "$relay" 2>/dev/null
}

live_begin "$1"
command -v socat >/dev/null || {
    echo "skipped: socat is not installed"
    exit 77
}
make_site 1
pair_up

# --- keys that are no use

other=$PAIR_DIR/other
expect 0 "$PAIR_BIN/examctl" site init --keys "$other" --rooms "$PAIR_ROOMS" --node A,B --person operator --no-password
expect 65 tool "$other/people/operator.key" status
expect_says 'not signed by this site'
mark A
expect 69 env EXAMCTL_KEY_ROSTER="$other/roster" EXAMCTL_KEY_FILE="$other/people/operator.key" \
    "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" status
wait_until 10 "A says who was refused" logged A 'event=channel-refused .*endpoint=admin-listen .*another site'
pass "another site's key is refused, and logged"

expect 65 tool "$PAIR_KEYS/seats/R01/R01-01.key" status
expect_says 'the key of a person is needed'
chmod 640 "$PAIR_KEYS/people/operator.key"
expect 65 ctl status
expect_says 'others may read this secret key'
chmod 600 "$PAIR_KEYS/people/operator.key"
expect 65 tool "$PAIR_DIR/none.key" status
pass "a seat's key, one that others may read, and none at all: the tool says so itself"

for port in "${NODE_SEAT[A]}" "${NODE_ADMIN[A]}" "${NODE_REPLICA[A]}"; do
    mark A
    plain_bytes 200 | to "$port"
    wait_until 10 "A refuses a peer without a channel" logged A "event=channel-refused .*no channel's hello"
done
pass "who does not begin with a hello is refused on all three ports, and logged"

expect 69 ctl --who somebody status
expect_says 'the key of operator|R4'
expect 0 ctl status
pass "acts are on record under the key's name, whatever --who says"

# --- a session played again

record=$PAIR_DIR/record
free_port
socat -r "$record" "TCP-LISTEN:$FREE_PORT,bind=127.0.0.1,reuseaddr" "TCP:${NODE_ADMIN[A]#*@}" &
relay=$!
wait_until 10 "the recorder listens" port_listens "$FREE_PORT"
expect 0 "$PAIR_BIN/examctl" --nodes "A@127.0.0.1:$FREE_PORT" status
wait $relay || true
relay=
[ "$(stat -c %s "$record")" -gt 200 ] || fail "nothing was recorded"
mark A
to "${NODE_ADMIN[A]}" <"$record"
wait_until 10 "A finds out that it is a replay" logged A 'event=channel-refused .*code=auth .*repeated'
pass "a recorded session that is played again is refused at its first record"

# --- seats

expect 0 import_site B1
seat_says R01-02 "$PAIR_KEYS/seats/R01/R01-01.key" "$PAIR_KEYS/roster" 'the key of seat R01-01' || fail "a seat goes by another's name"
pass "a seat's program refuses another seat's key"
mark A
sed -e "s/\"R01-01\"/\"R01-02\"/" "$PAIR_KEYS/seats/R01/R01-01.key" >"$PAIR_DIR/forged.key"
chmod 600 "$PAIR_DIR/forged.key"
seat_says R01-02 "$PAIR_DIR/forged.key" "$PAIR_KEYS/roster" 'does not have this key|another seat' || fail "a forged name was not noticed"
pass "a key file with another name in it is no key of that seat"

# --- revoked, while a node runs and while a seat is connected

expect 0 ctl batch start B1
seats_begin "${LIVE_SEATS:-10}" open 300
cp "$PAIR_KEYS/roster" "$PAIR_DIR/first-roster"
expect 0 timeout $((30 * WAIT_FACTOR)) "$PAIR_BIN/minimal_seat" "$SEAT_NODES" "$(roster_cell 30 seat)" \
    "$(roster_cell 30 admission_no)" "$(roster_cell 30 id_no)" "$PAIR_DIR/lone-journal" 2 \
    "$PAIR_KEYS/seats/R01/$(roster_cell 30 seat).key" "$PAIR_KEYS/roster"
expect_says 'finished, 0 answers not delivered'
pass "a seat on libexamseat sits its exam with its key"
expect 0 "$PAIR_BIN/examctl" site revoke seat R01-40 --keys "$PAIR_KEYS"
rosters_are 2
seat_says R01-40 "$PAIR_KEYS/seats/R01/R01-40.key" "$PAIR_KEYS/roster" 'was revoked' || fail "its seat does not notice"
mark A
seat_says R01-40 "$PAIR_KEYS/seats/R01/R01-40.key" "$PAIR_DIR/first-roster" 'problem: server A' || fail "its seat is not told"
wait_until 10 "A says that the key was revoked" \
    logged A 'event=channel-refused .*endpoint=seat-listen .*of seat R01-40 was revoked by roster 2'
seats_end
[ "$(seats_figure losses)" = 0 ] || fail "other seats lost contact"
pass "a new roster is taken while the exam goes on; nobody else notices"

cp "$PAIR_KEYS/people/operator.key" "$PAIR_DIR/stolen.key"
cp "$PAIR_KEYS/roster" "$PAIR_DIR/old-roster" # the thief's
expect 0 "$PAIR_BIN/examctl" site issue person deputy --no-password --keys "$PAIR_KEYS"
expect 0 "$PAIR_BIN/examctl" site revoke person operator --keys "$PAIR_KEYS"
rosters_are 4
mark A
expect 69 env EXAMCTL_KEY_ROSTER="$PAIR_DIR/old-roster" EXAMCTL_KEY_FILE="$PAIR_DIR/stolen.key" \
    "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" status
wait_until 10 "A says that the key was revoked" \
    logged A 'event=channel-refused .*endpoint=admin-listen .*of person operator was revoked'
export EXAMCTL_KEY_FILE=$PAIR_KEYS/people/deputy.key
expect 0 ctl status
pass "a stolen key that was revoked opens nothing any more, with an older roster either"

# --- a node

cp "$PAIR_DIR/first-roster" "$PAIR_DIR/seat-roster" # a seat's own copy, which gets old
mkdir -p "$PAIR_DIR/last-journal"
timeout $((90 * WAIT_FACTOR)) "$PAIR_BIN/minimal_seat" "$SEAT_NODES" "$(roster_cell 31 seat)" "$(roster_cell 31 admission_no)" \
    "$(roster_cell 31 id_no)" "$PAIR_DIR/last-journal" 1000 "$PAIR_KEYS/seats/R01/$(roster_cell 31 seat).key" \
    "$PAIR_DIR/seat-roster" >"$PAIR_DIR/last.log" 2>&1 &
SIM_PID=$!
wait_until 20 "a seat with the first roster is let in" grep -q 's left' "$PAIR_DIR/last.log"

pair_is_dual || fail "the pair is not in sync"
mark A
expect 0 "$PAIR_BIN/examctl" site revoke node B --keys "$PAIR_KEYS"
wait_until 10 "A lets go of B" logged A 'event=channel-ended .*endpoint=replica-listen|event=standby-lost'
wait_until 20 "A goes on alone" status_is '.nodes[] | select(.node == "A") | .solo'
expect 0 "$PAIR_BIN/examctl" site issue node B --keys "$PAIR_KEYS"
node_kill B TERM
node_start B
wait_until 20 "B is back, with its new key" pair_is_dual
pass "a node whose key was revoked is out at once, and back with a new one"

expect 0 ctl promote B --yes --reason "to see who follows"
wait_until 20 "the seat, with its old roster, is let in by neither" grep -q 'problem: server [AB]' "$PAIR_DIR/last.log"
cp "$PAIR_KEYS/roster" "$PAIR_DIR/seat-roster.new"
mv "$PAIR_DIR/seat-roster.new" "$PAIR_DIR/seat-roster"
attached_at_b() {
    "$PAIR_BIN/examctl" --nodes "${NODE_ADMIN[B]}" seats --json 2>/dev/null |
        jq -e --arg s "$(roster_cell 31 seat)" '.seats[] | select(.seat == $s) | .connected' >/dev/null
}
wait_until 20 "with the new one it goes on at B" attached_at_b
kill "$SIM_PID"
wait "$SIM_PID" 2>/dev/null || true
SIM_PID=
pass "who has a roster from before is let in again with the new one, without a restart"

sed -e 's/^node = .*/node = "C"/' -e "s#^data = .*#data = \"$PAIR_DIR/C\"#" "$PAIR_DIR/B.conf" >"$PAIR_DIR/C.conf"
expect 78 timeout 20 "$PAIR_BIN/examnode" --config "$PAIR_DIR/C.conf"
expect_says 'is the key of node B'
pass "a node does not start under another name than its key's"
