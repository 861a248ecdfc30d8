#!/usr/bin/env bash
# The standby is killed while candidates answer: the primary waits, goes on alone and says so (A1); the
# standby comes back, catches up, and acknowledgements are dual again. Usage: test_standby_lost.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}

live_begin "$1"
pair_up 1000
exam_begin "$SEATS" open 300 5

node_kill B KILL
wait_until 30 "the primary goes on alone" is_solo A
pass "the standby was killed; the primary went on alone"
answers_go_on "answers are saved without a standby"
grep -q ',solo$' "$PAIR_DIR/acked.csv" || fail "no acknowledgement says solo"
pass "answers are acknowledged as solo"

node_start B
wait_until 60 "the standby catches up" pair_is_dual
answers_go_on "answers are saved with the standby"
tail -n 1 "$PAIR_DIR/acked.csv" | grep -q ',dual$' || fail "the newest acknowledgement is not dual"
pass "the standby came back and acknowledgements are dual again"

seats_end
expect_same 0 "$(seats_figure locks)" "locked seats"
expect_same 0 "$(seats_figure losses)" "lost contacts"
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "$(seats_figure answers) answers made, none lost, no seat lost contact, both nodes agree"
