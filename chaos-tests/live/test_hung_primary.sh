#!/usr/bin/env bash
# The only node of its site hangs (SIGSTOP) for longer than the grace while candidates answer, and goes on (T5):
# before it does anything else its epoch is over, as after a restart (W3). Every screen had locked; nobody is
# charged for that, nobody loses more, and nothing is lost. Usage: test_hung_primary.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}
GRACE=4 # seconds

live_tidy_more() {
    # A stopped process takes no SIGTERM.
    if node_is_up A; then kill -CONT "${NODE_PID[A]}"; fi
}

live_begin "$1"
node_ports A
node_configure A 2000
SEAT_NODES=${NODE_SEAT[A]}
ADMIN_NODES=${NODE_ADMIN[A]}
node_start A
expect 0 ctl found --site live
make_site $(((SEATS + 39) / 40))
expect 0 import_site B1 --grace 0:0$GRACE
seats_begin "$SEATS" open 400 --grace-ms $((GRACE * 1000))
expect 0 ctl batch start B1
wait_until 60 "some answers are saved" saved_reach $((SEATS * 5))

kill -STOP "${NODE_PID[A]}"
wait_until 30 "all screens are locked" locks_reach "$SEATS"
kill -CONT "${NODE_PID[A]}"
wait_until 30 "A serves again by itself" grep -q 'event=epoch-began .*epoch=2 ' "$PAIR_DIR/A.log"
grep -q 'event=hung' "$PAIR_DIR/A.log" || fail "A does not say that it has hung"
answers_go_on "answers are saved again"
pass "A hung until all $SEATS screens were locked, and began epoch 2 by itself"

seats_end
expect_same "$SEATS" "$(seats_figure resumed)" "seats that came back"
result_check B1
pass "$(seats_figure answers) answers made, none lost, no clock wrong"
