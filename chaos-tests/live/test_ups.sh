#!/usr/bin/env bash
# Two nodes with a UPS each (a real upsd, simulated UPSs). Mains lost and back: on record, and in the status.
# Stale data and a lost upsd: a warning, and nothing else. Battery low on the primary: it hands over to its
# standby and goes down in order; battery low on the last one: the batch is suspended, and a person lets it
# go on (R1, W4). Usage: test_ups.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
. "$HERE/nut.sh"
SEATS=${LIVE_SEATS:-40}

nut_available || {
    echo "SKIPPED: nut-server is not installed (ops/install-packages installs it)"
    exit 77
}

live_tidy_more() {
    nut_end
}

power_is() { # NODE WORD
    status_is ".nodes | any(.node == \"$1\" and .power == \"$2\")"
}

batch_is() { # STATE
    [ "$(batch_field B1 state)" = "$1" ]
}

power_incidents_are() { # OPEN CLOSED
    ctl incident list --json | jq -e --argjson open "$1" --argjson closed "$2" \
        '[.incidents[] | select(.kind == "power")] |
         (map(select(.open)) | length) == $open and (map(select(.open | not)) | length) == $closed'
}

log_has() { # NODE REGEX
    grep -Eq -- "$2" "$PAIR_DIR/$1.log"
}

live_begin "$1"
nut_begin a b
pair_configure
for name in A B; do
    printf 'ups = "%s@127.0.0.1:%s"\nups-poll-ms = 200\n' "${name,,}" "$NUT_PORT" >>"$PAIR_DIR/$name.conf"
done
node_start A
node_start B
expect 0 ctl found --site live
wait_until 30 "the standby joins" pair_is_dual
wait_until 30 "A is on mains" power_is A mains
wait_until 30 "B is on mains" power_is B mains
pass "both nodes read their UPS"

exam_begin "$SEATS" open 500 2

ups_says a OB
wait_until 30 "A is on battery" power_is A battery
expect 0 ctl status
expect_says '! A has lost the mains'
log_has A 'event=power .*mains lost' || fail "A's log does not say that the mains are lost"
wait_until 10 "an incident is open" power_incidents_are 1 0
ups_says a OL
wait_until 30 "A is on mains again" power_is A mains
wait_until 10 "the incident is closed" power_incidents_are 0 1
log_has A 'event=power .*mains back' || fail "A's log does not say that the mains are back"
pass "mains lost and back: in the status, in the log, an incident opened and closed"

driver_signal a STOP
wait_until 60 "A does not know its power" power_is A unknown
expect 0 ctl status
expect_says '! A does not know its power: .*(stale|nothing)'
driver_signal a CONT
wait_until 30 "A knows it again" power_is A mains
upsd_kill
wait_until 30 "A does not know its power" power_is A unknown
wait_until 30 "B does not know its power" power_is B unknown
upsd_start
wait_until 30 "A knows it again" power_is A mains
wait_until 30 "B knows it again" power_is B mains
pair_is_dual || fail "a UPS that could not be asked has disturbed the pair"
power_incidents_are 0 1 >/dev/null || fail "a UPS that could not be asked is on record as a power cut"
log_has A 'level=warn event=ups-unknown' || fail "A's log has no warning"
pass "stale data and a lost upsd are warnings, and change nothing"

ups_says a 'OB LB'
wait_until 30 "A hands over and goes down" node_has_ended A
node_kill A
expect_same 0 "$NODE_STATUS" "exit code of A, whose battery is low"
wait_until 30 "B serves" node_has_role B primary
batch_is running || fail "the batch is $(batch_field B1 state), not running"
answers_go_on "answers are saved by B"
pass "battery low on the primary: it handed over and went down in order; the batch runs on"

ups_says b 'OB LB'
wait_until 30 "B goes down" node_has_ended B
node_kill B
expect_same 0 "$NODE_STATUS" "exit code of B, whose battery is low"
ups_says a OL
ups_says b OL
wait_until 30 "the mains are back at A" ups_is a OL
wait_until 30 "the mains are back at B" ups_is b OL
node_start B
node_start A
wait_until 60 "B serves again" node_has_role B primary
wait_until 60 "A follows" pair_is_dual
batch_is suspended || fail "the batch is $(batch_field B1 state), not suspended"
expect 0 ctl status
expect_says '! Batch B1 is suspended'
pass "battery low on the last server: the batch is suspended, and stays so after the restart"

expect 0 ctl batch go-on B1 --reason 'mains are back' --yes
wait_until 30 "the batch runs" batch_is running
answers_go_on "answers are saved again"
seats_end
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "a person let it go on: $(seats_figure answers) answers made, none lost, both nodes agree"
