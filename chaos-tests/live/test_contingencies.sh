#!/usr/bin/env bash
# What befalls the seats of a batch while it runs: PCs lose their power, cables are pulled, connections are
# reset, two candidates move to spare seats (one from a dead PC that comes back, one from a live one, T11),
# the room is paused, time is granted, and the primary is killed for longer than the grace. In the end every
# acknowledged answer is in the result (A2) and every account is what the seats themselves reckon, each
# interruption on record (section 5, T14). Usage: test_contingencies.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}
SEED=${LIVE_SEED:-$((RANDOM * 32768 + RANDOM))}

move_when_walked() { # ROW SPARE: the administrator, when the candidate stands at the spare seat
    local seat admission_no
    seat=$(roster_cell "$1" seat) admission_no=$(roster_cell "$1" admission_no)
    wait_until 60 "the candidate of $seat walks" event_seen walked "$seat"
    expect 0 ctl move "$admission_no" "$2" --reason "the PC of $seat" --yes
    wait_until 30 "the candidate goes on at $2" event_seen attached "$2"
}

silent_seats() {
    grep -c 'event=seat-lost .*why="no heartbeat"' "$PAIR_DIR/A.log" || true
}

silent_seats_reach() {
    [ "$(silent_seats)" -ge "$1" ]
}

# Every PC is on, every path is whole, and every sitting that is not finished is attached.
all_back() {
    jq -es '(map(select(.event == "power-cut" or .event == "cut" or .event == "reset")) | length) ==
        (map(select(.event == "power-on" or .event == "healed")) | length)' "$PAIR_DIR/events.jsonl" &&
        [ "$(batch_field B1 attached)" -ge $((SEATS - $(batch_field B1 finished))) ]
}

live_begin "$1"
pair_up
make_site 1
expect 0 import_site B1 --grace 0:04
cat >"$PAIR_DIR/plan" <<TEXT
0:01     power  15%    for 0:03
0:01.500 cut    15%    for 0:02.500      # within its grace
0:02     reset  15%    from 1 for 0:01
0:02     power  $(roster_cell 3 seat) for 0:06
0:02.500 move   $(roster_cell 3 seat) to R01-47
0:03     move   $(roster_cell 4 seat) to R01-48
@$PAIR_DIR/unplug cut 15% until @$PAIR_DIR/plug
@$PAIR_DIR/dead power 15% for 0:03
@$PAIR_DIR/back reset 30% for 0:00.500
TEXT
seats_begin "$SEATS" open 400 --plan "$PAIR_DIR/plan" --grace-ms 4000 --seed "$SEED"
expect 0 ctl batch start B1
move_when_walked 3 R01-47
move_when_walked 4 R01-48
pass "two candidates go on at spare seats (seed $SEED)"

# T8 for seats in contact and out of it. A silent seat counts as in contact until the server misses its
# heartbeats: the pause comes after that, and some seats are back before it is over.
wait_until 60 "everything of the first seconds is over" all_back
silent=$(silent_seats)
touch "$PAIR_DIR/unplug"
wait_until 30 "the server misses seats" silent_seats_reach $((silent + (SEATS * 15 + 99) / 100))
expect 0 ctl pause R01 --reason "a fire alarm" --yes
touch "$PAIR_DIR/plug"
wait_until 30 "seats come back into the pause" all_back
expect 0 ctl resume R01 --reason "no fire" --yes
expect 0 ctl grant "$(roster_cell 5 admission_no)" 1:00 --reason "a noisy seat" --yes
pass "the room was paused and resumed, a candidate was granted a minute"

answers_go_on "answers are saved after the pause"
locks=$(locks_n)
node_kill A KILL
touch "$PAIR_DIR/dead"
wait_until 30 "half of the screens are locked" locks_reach $((locks + (SEATS + 1) / 2))
expect 0 ctl promote B --attest --yes --reason "test: A was killed"
touch "$PAIR_DIR/back"
node_start A
wait_until 60 "A follows" pair_is_dual
wait_until 60 "the first old seat is told that it is shut out" event_seen freed "$(roster_cell 3 seat)"
pass "A was killed until screens were locked, B was promoted, A follows; the seats that were left have been told"

seats_end
expect_same 2 "$(seats_figure formers)" "seats that were left, and told so"
[ "$(seats_figure power_cuts)" -ge 3 ] || fail "hardly a PC lost its power: $(seats_figure power_cuts)"
[ "$(seats_figure locks)" -ge $((SEATS / 2)) ] || fail "hardly a seat locked: $(seats_figure locks)"
expect_same "$SEATS" "$(seats_figure reckoned)" "accounts that the seats have reckoned"
result_check B1
interruptions_check
wait_until 30 "both nodes agree" nodes_agree
pass "$(seats_figure answers) answers made, none lost; $(seats_figure interruptions) interruptions reckoned to \
$(seats_figure width_median_ms) ms (median), every account right"
