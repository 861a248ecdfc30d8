#!/usr/bin/env bash
# A byte of a node's log rots on its disk (D8; LMDB has no checksums). An old record is found by the check
# in the background: a node that serves says which one and goes on until its standby is promoted, and then
# ends with 65; so does a standby at once. A record of the log's last part is found at the start, which is
# refused. With an empty folder the node joins again, and nothing is lost. Usage: test_rot.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-20}
TAIL_RECORDS=4096 # that are checked at the start

# Turns a bit of the first byte of every place of the data file where the text stands.
rot() { # NODE TEXT
    local file=$PAIR_DIR/$1/data.mdb at n=0
    while IFS=: read -r at _; do
        printf "\\x$(printf %02x $((0x$(od -An -tx1 -j "$at" -N 1 "$file" | tr -d " ") ^ 4)))" |
            dd of="$file" bs=1 seek="$at" conv=notrunc status=none
        n=$((n + 1))
    done < <(grep -obUaF -- "$2" "$file")
    [ $n -gt 0 ] || fail "\"$2\" is not in $file"
}

says_rot() { # NODE
    status_is ".nodes | any(.node == \"$1\" and .log_bad_lsn > 0)"
}

has_checked() { # NODE: the whole log, since it was started
    status_is ".nodes | any(.node == \"$1\" and .log_check_passes > 0 and .log_bad_lsn == 0)"
}

records_reach() { # NUMBER
    status_is ".nodes | any(.role == \"primary\" and .durable_lsn > $1)"
}

ends_with_65() { # NODE
    wait_until 60 "$1 ends" node_has_ended "$1"
    node_kill "$1" 0
    expect_same 65 "$NODE_STATUS" "exit code of $1"
}

# An empty standby is at the record before the rotten one, and gets no further.
peer_is_refused() {
    status_is '(.nodes[] | select(.node == "A") | .log_bad_lsn) as $bad |
               .nodes | any(.node == "B" and .lsn + 1 == $bad)'
}

joins_anew() { # NODE
    rm -rf "${PAIR_DIR:?}/$1"
    node_start "$1"
    wait_until 60 "$1 joins with an empty folder" pair_is_dual
    wait_until 60 "$1 has checked its log" has_checked "$1"
}

live_begin "$1"
pair_up 1000
make_site 1
expect 0 import_site B1
old=$(roster_cell 1 admission_no)
[ -n "$old" ] || fail "the roster has no admission numbers"
seats_begin "$SEATS" $((6000 / SEATS)) 5
expect 0 ctl batch start B1
seats_end
wait_until 60 "the log is longer than what a start checks" records_reach $((TAIL_RECORDS + 100))
expect 0 ctl pause B1 --yes --reason "newest-reason"
expect 0 ctl resume B1 --yes --reason "enough"

node_kill B TERM
rot B "$old"
node_start B
ends_with_65 B
OUT=$(tail -n 20 "$PAIR_DIR/B.log")
expect_says "event=log-rotten node=B lsn=[0-9]"
joins_anew B
pass "an old record of the standby had rotted: it said which, ended, and joined again"

node_kill B TERM
node_kill A TERM
rot A "$old"
node_start A
wait_until 60 "A finds the rot" says_rot A
node_start B
wait_until 60 "A serves" node_has_role A primary
wait_until 60 "B follows" pair_is_dual
expect 0 ctl status
expect_says "! A: record [0-9]+ of its log is not what was written"
node_kill B TERM
mv "$PAIR_DIR/B" "$PAIR_DIR/B-whole"
node_start B
wait_until 60 "B asks for the whole log" peer_is_refused
node_kill B TERM
rm -rf "$PAIR_DIR/B"
mv "$PAIR_DIR/B-whole" "$PAIR_DIR/B"
node_start B
wait_until 60 "B follows" pair_is_dual
node_is_up A || fail "A ended, though it serves"
expect 0 ctl promote B --yes --reason "the log of A has rotted"
ends_with_65 A
joins_anew A
pass "an old record of the primary had rotted: it served until its standby was promoted, and joined again"

node_kill A TERM
rot A "newest-reason"
node_start A 2>/dev/null && fail "A starts on a rotten end of its log"
node_kill A 0
expect_same 65 "$NODE_STATUS" "exit code of A"
OUT=$(tail -n 5 "$PAIR_DIR/A.log")
expect_says "record [0-9]+ of the log in the data folder is not what was written"
joins_anew A
pass "a record of the log's end had rotted: the start was refused"

result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "nothing acknowledged is lost, both nodes agree"
