#!/usr/bin/env bash
# Seats get their keys by codes, on real processes: each makes its own secret, is let in once, and signs in with
# it; wrong codes are counted and void the code; what connects and makes no sense is in nobody's way; a roster
# that is older than one that a node has used is not believed again after a restart.
# Usage: test_enrol.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"


enrol() { # SEAT CODE FOLDER
    "$PAIR_BIN/examseat-enrol" "localhost:$PORT" "$2" "$PAIR_DIR/$3"
}

wrong_of() { # CODE: another one of the same number
    local last=${1: -1}
    [ "$last" = 7 ] && last=8 || last=7
    echo "${1%?}$last"
}

live_begin "$1"
make_site 1
pair_up
expect 0 import_site B1
for seat in 05 06 07 08; do
    expect 0 "$PAIR_BIN/examctl" site revoke seat "R01-$seat" --keys "$PAIR_KEYS"
done
rm -r "$PAIR_KEYS/seats"

# --- a site whose seats make their own keys; what is wrong is said

expect 0 "$PAIR_BIN/examctl" site init --keys "$PAIR_DIR/own" --rooms "$PAIR_ROOMS" --node A --person wang --no-password \
    --no-data-key --no-seat-keys
[ ! -e "$PAIR_DIR/own/seats" ] || fail "it has secrets of seats"
expect 65 "$PAIR_BIN/examctl" site enrol R99 --keys "$PAIR_DIR/own" --rooms "$PAIR_ROOMS"
expect_says "no room or seat 'R99'"
expect 2 "$PAIR_BIN/examctl" site enrol R01 --keys "$PAIR_DIR/own" --rooms "$PAIR_ROOMS" --minutes 0
expect 1 "$PAIR_BIN/examctl" site enrol R01-01 --keys "$PAIR_KEYS" --rooms "$PAIR_ROOMS"
expect_says 'R01-01 has a key, and gets no code'
pass "a site can begin without secrets of seats"

# --- codes

free_port
PORT=$FREE_PORT
"$PAIR_BIN/examctl" site enrol R01 --keys "$PAIR_KEYS" --rooms "$PAIR_ROOMS" --listen "127.0.0.1:$PORT" --json \
    >"$PAIR_DIR/codes" 2>"$PAIR_DIR/enrol.out" &
SIM_PID=$!
wait_until 10 "the codes are shown" grep -q codes "$PAIR_DIR/codes"
[ "$(head -1 "$PAIR_DIR/codes" | jq '.codes | length')" = 4 ] || fail "not one code for each seat without a key"
head -1 "$PAIR_DIR/codes" >"$PAIR_DIR/codes.1" && mv "$PAIR_DIR/codes.1" "$PAIR_DIR/codes.json"
code_of() { jq -r --arg s "$1" '.codes[] | select(.seat == $s) | .code' "$PAIR_DIR/codes.json"; }
grep -q 'R01-01 has a key, and gets no code' "$PAIR_DIR/enrol.out" || fail "who has a key is not left out"
pass "each seat that has no key gets a code"

head -c 5000 /dev/urandom >"$PAIR_DIR/noise"
for ((i = 0; i < 20; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$PORT" && cat "$PAIR_DIR/noise" >&3) 2>/dev/null || true
done
exec 4<>"/dev/tcp/127.0.0.1/$PORT" # and one that says nothing, and stays

code=$(code_of R01-06)
expect 0 enrol R01-06 "$(echo "$code" | tr A-Z a-z | tr -d -)" six
expect_says 'This machine is seat R01-06'
[ "$(stat -c %a "$PAIR_DIR/six/seat.key")" = 600 ] || fail "others may read the seat's key"
[ ! -e "$PAIR_DIR/six/enrol.seed" ] || fail "the seed is still there"
[ ! -e "$PAIR_KEYS/seats" ] || fail "a secret of a seat is where the codes are"
cmp -s "$PAIR_DIR/six/roster" "$PAIR_KEYS/roster" || fail "it has another roster than the site"
wait_until 10 "the administrator sees it" grep -q 'R01-06 has its key' "$PAIR_DIR/enrol.out"
pass "a seat makes its key, and is in the roster under its name, whoever else knocks"

expect 1 enrol R01-06 "$code" other
expect_says 'wrong, used, void'
expect 1 enrol R01-06 "$code" six
expect_says 'this machine has a key'
pass "a code is good once, and a machine enrols once"

wrong=$(wrong_of "$(code_of R01-05)")
for ((i = 1; i <= 5; i++)); do expect 1 enrol R01-05 "$wrong" five; done
expect 1 enrol R01-05 "$(code_of R01-05)" five
grep -q 'wrong code for R01-05 (5 of 5): its code is void' "$PAIR_DIR/enrol.out" || fail "the administrator is not told"
pass "five wrong tries void a code, and the administrator sees them"

seed_of() { sha256sum "$PAIR_DIR/$1/enrol.seed"; }
before=$(seed_of five)
expect 1 enrol R01-05 "$wrong" five
[ "$(seed_of five)" = "$before" ] || fail "each attempt makes another secret"
expect 2 enrol R01-07 "4K79U-F2MXD" seven
expect 0 enrol R01-07 "$(code_of R01-07)" seven
kill -INT "$SIM_PID"
code=0
wait "$SIM_PID" || code=$?
SIM_PID=
exec 4>&-
[ "$code" = 1 ] || fail "examctl site enrol ended with $code though seats are left"
tail -1 "$PAIR_DIR/codes" | jq -e '.enrolled == 2 and .left == 2 and .unsure == 0' >/dev/null || fail "it counts wrongly"
expect 69 enrol R01-08 "$(code_of R01-08)" eight
pass "what is left when it ends is void"

# --- the key opens the door, under that name

version=$("$PAIR_BIN/examctl" site show --keys "$PAIR_KEYS" --json | jq .version)
for node in A B; do
    wait_until 10 "$node takes the roster" grep -q "event=roster .*version=$version " "$PAIR_DIR/$node.log"
done
expect 0 ctl batch start B1
row=$(awk -F, '$4 == "R01-06" { print NR; exit }' "$PAIR_DIR/site/roster.csv")
expect 0 timeout $((30 * WAIT_FACTOR)) "$PAIR_BIN/minimal_seat" "$SEAT_NODES" R01-06 \
    "$(sed -n "${row}p" "$PAIR_DIR/site/roster.csv" | cut -d, -f1)" \
    "$(sed -n "${row}p" "$PAIR_DIR/site/roster.csv" | cut -d, -f2)" "$PAIR_DIR/six" 2 \
    "$PAIR_DIR/six/seat.key" "$PAIR_DIR/six/roster"
expect_says 'finished, 0 answers not delivered'
pass "with the key that it has made the seat sits its exam"

# --- an old roster

cp "$PAIR_KEYS/roster" "$PAIR_DIR/old-roster"
expect 0 "$PAIR_BIN/examctl" site revoke seat R01-07 --keys "$PAIR_KEYS"
wait_until 10 "B takes the roster" grep -q "event=roster .*version=$((version + 1)) " "$PAIR_DIR/B.log"
node_kill B TERM
sed -i "s#^key-roster = .*#key-roster = \"$PAIR_DIR/old-roster\"#" "$PAIR_DIR/B.conf"
expect 78 timeout 20 "$PAIR_BIN/examnode" --config "$PAIR_DIR/B.conf"
expect_says "is roster $version of the site's keys, and roster $((version + 1)) has been used here already"
sed -i "s#^key-roster = .*#key-roster = \"$PAIR_KEYS/roster\"#" "$PAIR_DIR/B.conf"
node_start B
wait_until 20 "B is back" pair_is_dual
pass "a node that restarts believes no roster that is older than one that it has used"
