#!/usr/bin/env bash
# Both nodes end while candidates answer - in order (TERM: the first hands over), or killed (KILL) - and start
# again: the one that served last serves again by itself once it has met the other (W3), seats come back, nothing
# is lost.
# Usage: test_restart.sh BIN TERM|KILL
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}
SIG=$2

live_begin "$1"
pair_up
exam_begin "$SEATS" open 300 5

for name in A B; do
    node_kill $name "$SIG"
    if [ "$SIG" = TERM ]; then
        expect_same 0 "$NODE_STATUS" "exit code of node $name after SIGTERM"
    fi
done
pass "both nodes are down ($SIG)"
expect 69 ctl batch list
# In order A hands over first, and B was the last to serve.
if [ "$SIG" = TERM ]; then last=B other=A; else last=A other=B; fi
node_start $other
sleep 1
expect_same false "$(status_is '.nodes | any(.role == "primary")' && echo true || echo false)" \
    "a standby, alone after a restart, serves"
node_start $last
wait_until 30 "$last serves again by itself" node_has_role $last primary
wait_until 30 "$other follows" pair_is_dual
answers_go_on "answers are saved again"
pass "$last serves again, $other follows"

seats_end
expect_same "$SEATS" "$(seats_figure resumed)" "seats that came back"
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "all $SEATS seats came back, $(seats_figure answers) answers made, none lost"
