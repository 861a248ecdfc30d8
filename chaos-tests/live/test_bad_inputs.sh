#!/usr/bin/env bash
# Bad inputs of administrators, seats and strangers on real processes: each is refused with a text that
# says what to do, and nothing of what was there is lost or changed. The batch has personal timing, so
# that the state of the site stands still while nobody sits (T1), and a digest of it can be compared.
# Usage: test_bad_inputs.sh BIN RAWSEAT
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
RAWSEAT=$2
PAIR_PLAIN=1 # rawseat says what it wants in clear: with keys nothing of it would be heard
SEED=${LIVE_SEED:-$RANDOM}

raw() {
    "$RAWSEAT" "${NODE_SEAT[A]}" "$@"
}

import_with() { # FILE_NAME SED_EXPRESSION: imports B2 with one file of the site changed
    rm -rf "$PAIR_DIR/bad"
    cp -r "$PAIR_DIR/site" "$PAIR_DIR/bad"
    sed -i -e "$2" "$PAIR_DIR/bad/$1"
    ctl import --batch B2 --rooms "$PAIR_DIR/bad/rooms.csv" --roster "$PAIR_DIR/bad/roster.csv" \
        --paper "$PAIR_DIR/bad/paper.json"
}

import_cut_off() { # BYTES
    rm -rf "$PAIR_DIR/bad"
    cp -r "$PAIR_DIR/site" "$PAIR_DIR/bad"
    truncate -s "$1" "$PAIR_DIR/bad/paper.json"
    ctl import --batch B2 --rooms "$PAIR_DIR/bad/rooms.csv" --roster "$PAIR_DIR/bad/roster.csv" \
        --paper "$PAIR_DIR/bad/paper.json"
}

imports_refused() {
    expect 65 import_with roster.csv '5p'
    expect_says 'roster\.csv:6'
    expect 65 import_with roster.csv "3s/$(roster_cell 2 seat)/R77-01/"
    expect_says 'roster\.csv:3.*R77-01'
    expect 65 import_with roster.csv '4s/,\([^,]*\)/,\xff\xfe/2'
    expect_says 'roster\.csv:4'
    expect 65 import_with roster.csv '1s/admission_no/number/'
    expect_says 'roster\.csv.*admission_no'
    expect 65 import_with roster.csv '2,$d'
    expect_says 'roster\.csv'
    expect 65 import_cut_off 700
    expect_says 'paper\.json'
    expect 65 import_cut_off 0
    expect 65 import_with paper.json 's/"kind": *"single"/"kind":"essay"/'
    expect_says 'paper\.json'
    pass "bad rosters and papers are refused (65) with file and line"
    expect 1 import_site B1
    expect_says 'B1'
    expect 65 import_site B2
    expect_says "roster\.csv:2.*$(roster_cell 1 admission_no).*B1"
    pass "a batch, or a candidate, that is there already is refused"
}

batches_refused() {
    expect 1 ctl batch start B9
    expect_says 'B9'
    expect 1 ctl batch collect B1 --yes
    expect_says 'B1'
    expect 0 ctl batch start B1
    digest=$(state_digest)
    expect 1 ctl batch start B1
    expect_says 'B1'
    expect_same "$digest" "$(state_digest)" "state after a second start"
    pass "a second start of a batch is refused and changes nothing"
    expect 1 ctl promote A --yes
    expect_same "$digest" "$(state_digest)" "state after promoting the primary"
    expect 1 ctl found --site other
    expect_same "$digest" "$(state_digest)" "state after founding again"
    pass "promoting the node that serves and founding twice are refused"
}

seats_refused() {
    local no id seat other
    no=$(roster_cell 1 admission_no) id=$(roster_cell 1 id_no) seat=$(roster_cell 1 seat)
    other=$(roster_cell 2 seat)
    expect 0 raw hello "$seat" signin "$no" wrong s1
    expect_says 'refused code=auth'
    expect 0 raw hello "$seat" signin 0000 "$id" s1
    expect_says 'refused code=auth'
    expect 0 raw hello "$other" signin "$no" "$id" s1
    expect_says "refused code=seat-taken.*$seat"
    expect_same "$digest" "$(state_digest)" "state after refused sign-ins"
    OUT=$(raw hello "$seat" 999 2>&1) || true
    expect_says 'refused code=version'
    pass "wrong numbers, the wrong seat and another version are refused"

    expect 0 raw hello "$seat" signin "$no" "$id" s1 answer 1 q1 A answer 1 q1 A answer 3 q2 B answer 2 nowhere B
    expect_says 'ack seq=1 durability=dual'
    expect_says 'refused code=gap.*seq_have=1'
    expect_says 'refused code=not-found'
    pass "an answer twice is harmless (A4), a gap and an unknown item are refused"
    OUT=$(raw hello "$seat" attach "$no" s1 answer-of 3 q2 1025 2>&1) || true
    expect_says 'refused code=too-big|closed'
    OUT=$(raw hello "$seat" attach "$no" s1 answer-of 3 q2 60000 2>&1) || true
    expect_says 'refused code=too-big|closed'
    OUT=$(raw hello "$seat" attach "$no" s1 raw 200 2>&1) || true
    expect_says 'refused code=malformed|closed'
    OUT=$(raw hello "$seat" attach "$no" other 2>&1) || true
    expect_says 'refused code=auth'
    pass "answers over the limit, frames of nonsense and a stranger's session are refused"

    raw hello "$seat" attach "$no" s1 hold 20000 >"$PAIR_DIR/held.log" 2>&1 &
    held=$!
    wait_until 10 "the seat is attached" grep -q attached "$PAIR_DIR/held.log"
    expect 0 raw hello "$seat" signin "$no" "$id" s2
    expect_says 'refused code=seat-taken'
    kill "$held"
    wait "$held" 2>/dev/null || true
    pass "a second PC that says it is the same seat is refused while the first is in contact"
}

finish_refused() {
    local no seat
    no=$(roster_cell 1 admission_no) seat=$(roster_cell 1 seat)
    wait_until 10 "the seat is detached" attach_works "$seat" "$no"
    have=$(sed -n 's/.*seq_have=\([0-9]*\).*/\1/p' <<<"$OUT" | head -n 1)
    # One connection: the answer after the submission has a higher number, so it is after the finish.
    OUT=$(raw hello "$seat" attach "$no" s1 submit $((have + 1)) answer $((have + 2)) q1 B 2>&1) || true
    expect_says "ack seq=$((have + 1)).*finished=1"
    expect_says 'refused code=late'
    expect 0 ctl results B1 --answers
    expect_says "^\"?$no\"?,\"?q1\"?,[^,]*,\"?A\"?,1,"
    pass "an answer after the finish is refused for the result; the one before it is there"
}

attach_works() { # SEAT ADMISSION_NO
    OUT=$(raw hello "$1" attach "$2" s1) && grep -q attached <<<"$OUT"
}

strangers_refused() {
    local port rounds=${LIVE_ROUNDS:-300}
    digest=$(state_digest)
    for port in "${NODE_SEAT[@]}" "${NODE_ADMIN[@]}" "${NODE_REPLICA[@]}"; do
        expect 0 "$RAWSEAT" "$port" random "$SEED" "$rounds"
    done
    node_is_up A && node_is_up B || fail "a node ended (seed $SEED)"
    wait_until 20 "both nodes are in sync" pair_is_dual
    expect_same "$digest" "$(state_digest)" "state after random bytes (seed $SEED)"
    pass "random bytes on all six ports changed nothing (seed $SEED)"
}

live_begin "$1"
pair_up
make_site 1
expect 0 import_site B1 --timing personal
digest=$(state_digest)
imports_refused
expect_same "$digest" "$(state_digest)" "state after refused imports"
batches_refused
seats_refused
finish_refused
strangers_refused
wait_until 20 "both nodes agree" nodes_agree
pass "both nodes have the same state at the end"
