#!/usr/bin/env bash
# A primary that is stopped in order (SIGTERM, as systemctl restart does) hands over first: no person
# promotes anybody, no seat locks, and no candidate loses a millisecond. Once each way; then a standby, which
# just says goodbye, and a primary that has nobody to hand over to.
# Usage: test_orderly_end.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}

hand_over() { # FROM TO
    local from=$1 to=$2 began=$EPOCHREALTIME
    node_kill "$from" TERM
    expect_same 0 "$NODE_STATUS" "exit code of node $from after SIGTERM"
    wait_until 5 "$to serves" node_has_role "$to" primary
    pass "$from was stopped, $to serves ($(((${EPOCHREALTIME/./} - ${began/./}) / 1000)) ms until both was so)"
    grep -q "event=epoch-began node=$to .*who=$from why=\"it is being stopped in order\"" "$PAIR_DIR/$to.log" ||
        fail "the log of $to does not say who handed over"
    node_start "$from"
    wait_until 30 "$from follows" pair_is_dual
}

live_begin "$1"
pair_up
exam_begin "$SEATS" open 300 3
hand_over A B
answers_go_on "answers go on at B"
hand_over B A
node_kill B TERM
expect_same 0 "$NODE_STATUS" "exit code of a standby after SIGTERM"
expect_same true "$(node_has_role A primary && echo true)" "A serves on"
node_start B
wait_until 30 "B follows" pair_is_dual
answers_go_on "answers go on at A"
seats_end
expect_same 0 "$(seats_figure locks)" "seats that locked"
result_check B1
lost=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "lost_ms") c = i; next } $c > 0 { n++ } END { print n + 0 }' \
    "$PAIR_DIR/results.csv")
expect_same 0 "$lost" "candidates who lost time"
wait_until 30 "both nodes agree" nodes_agree
pass "all $SEATS candidates went on, and none lost a millisecond"

node_kill B KILL
wait_until 10 "A goes on alone" status_is '.nodes[] | select(.node == "A") | .solo'
node_kill A TERM
expect_same 0 "$NODE_STATUS" "exit code of a primary that is alone, after SIGTERM"
pass "a primary that is alone ends, too"
