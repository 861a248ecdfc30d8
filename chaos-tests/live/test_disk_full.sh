#!/usr/bin/env bash
# A node's disk fills up while candidates answer. The primary's: answers stay in the seats' journals, acts
# of people still work, another node can still be promoted, and all goes on when there is space again. The
# standby's: it warns, ends with 74 before it breaks into what it needs to be promoted, and the exam goes
# on; it joins again when there is space, and not before. Nothing acknowledged is lost.
# Needs root for a small memory file system; skipped (77) where mounting is not permitted.
# Usage: test_disk_full.sh BIN primary|standby
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-20}
[ "$SEATS" -le 20 ] || SEATS=20
RESERVE_MIB=4
ROLE=$2 FULL=A
[ "$ROLE" = primary ] || FULL=B
mounted=0

live_tidy_more() {
    pair_stop
    if [ $mounted = 1 ]; then umount "$PAIR_DIR/$FULL" || umount -l "$PAIR_DIR/$FULL"; fi
}

fill() { # FREE_KIB are left
    # dd ends with an error when the disk is full: that is what is wanted.
    dd if=/dev/zero of="$PAIR_DIR/$FULL/filler" bs=64k 2>/dev/null || true
    truncate -s "-${1}K" "$PAIR_DIR/$FULL/filler"
}

make_space() {
    rm "$PAIR_DIR/$FULL/filler"
}

is_low() {
    status_is ".nodes | any(.node == \"$FULL\" and .disk_low and .disk_reserved == false)"
}

refuses_answers() {
    status_is ".nodes | any(.node == \"$FULL\" and .disk_reserved)"
}

ends_full() { # NODE
    wait_until 60 "$1 ends" node_has_ended "$1"
    node_kill "$1" 0
    expect_same 74 "$NODE_STATUS" "exit code of $1"
    OUT=$(tail -n 5 "$PAIR_DIR/$1.log")
    expect_says 'event=failed .*what="following with a full disk" code=full'
}

primary_is_full() {
    fill 0
    wait_until 60 "A refuses answers for lack of space" refuses_answers
    expect 0 ctl pause R01-40 --yes --reason "nobody sits there"
    expect 0 ctl resume R01-40 --yes --reason "it goes on"
    pass "the primary's disk is full: it says so, refuses answers, and takes the acts of people"
    make_space
    answers_go_on "answers are saved again"
    pass "space is back: answers are saved again"

    fill 0
    wait_until 60 "A refuses answers for lack of space" refuses_answers
    node_kill B TERM
    wait_until 30 "A goes on alone" is_solo A
    node_start B
    wait_until 30 "B is in sync" pair_is_dual
    expect 0 ctl promote B --yes --reason "the disk of A is full"
    ends_full A
    wait_until 30 "B goes on alone" is_solo B
    answers_go_on "answers are saved by B"
    pass "full again: it let its standby join, handed over to it, and ended"
    make_space
    node_start A
    wait_until 60 "A follows" pair_is_dual
}

standby_is_full() {
    fill 6000
    wait_until 60 "B warns" is_low
    fill 0
    ends_full B
    wait_until 30 "A goes on alone" is_solo A
    answers_go_on "answers are saved without a standby"
    pass "the standby's disk is full: it warned, and ended; the exam went on"
    node_start B
    ends_full B
    pass "started on a full disk it took no record and ended"
    make_space
    node_start B
    wait_until 60 "B follows" pair_is_dual
}

primary_is_full_in_the_end() {
    expect 0 ctl promote A --yes --reason "A has space again"
    wait_until 60 "B follows" pair_is_dual
    fill 0
    wait_until 60 "A refuses answers for lack of space" refuses_answers
}

standby_is_full_in_the_end() {
    :
}

live_begin "$1"
mkdir "$PAIR_DIR/$FULL"
if ! mount -t tmpfs -o size=24m,mode=0700 tmpfs "$PAIR_DIR/$FULL" 2>/dev/null; then
    echo "skipped: a memory file system cannot be mounted here (not root, or not permitted)"
    exit 77
fi
mounted=1
pair_up 1000
exam_begin "$SEATS" open 200 5
"${ROLE}_is_full"
answers_go_on "answers are saved by both"
pass "space is back: both nodes have everything, and go on"
seats_end
"${ROLE}_is_full_in_the_end"
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "$(seats_figure answers) answers made, none lost, no clock wrong, both nodes agree"
