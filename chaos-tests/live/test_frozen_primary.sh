#!/usr/bin/env bash
# The primary freezes (SIGSTOP) while candidates answer; a person attests that it is off and promotes the
# standby, wrongly; then the old primary thaws. It must give nobody an acknowledgement any more (D3),
# step down (W1) and follow (W5); nothing that was acknowledged is lost. Usage: test_frozen_primary.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}

resumed_reach() {
    kill -0 "$SIM_PID" 2>/dev/null || fail "seatsim ended early: $(cat "$PAIR_DIR/seats.json")"
    [ "$(grep -c '"resumed"' "$PAIR_DIR/events.jsonl")" -ge "$1" ]
}

promote_works() {
    OUT=$(ctl --timeout 3 promote B --attest --yes --reason "test: A is frozen" 2>&1)
}

live_tidy_more() {
    # A stopped process takes no SIGTERM.
    if node_is_up A; then kill -CONT "${NODE_PID[A]}"; fi
}

live_begin "$1"
pair_up
exam_begin "$SEATS" open 400 5

kill -STOP "${NODE_PID[A]}"
wait_until 30 "B can be promoted" promote_works
wait_until 30 "all seats came to B" resumed_reach "$SEATS"
pass "A is frozen, B was promoted, all $SEATS seats came back"
answers_go_on "answers are saved on B"

kill -CONT "${NODE_PID[A]}"
wait_until 30 "A follows B" pair_is_dual
node_has_role B primary || fail "B does not serve any more"
node_has_role A standby || fail "A is no standby"
answers_go_on "answers are saved by both"
pass "A thawed, stepped down and follows"

seats_end
expect_same "$SEATS" "$(seats_figure resumed)" "seats that came back"
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "$(seats_figure answers) answers made, none lost, no clock wrong, both nodes agree"
