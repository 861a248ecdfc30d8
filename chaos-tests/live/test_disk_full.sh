#!/usr/bin/env bash
# The primary's disk fills up while candidates answer: answers are kept at the seats, nothing that was
# acknowledged is lost, and when there is space again everything goes on. Needs root for a small memory
# file system; skipped (77) where mounting is not permitted. Usage: test_disk_full.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-20}
[ "$SEATS" -le 20 ] || SEATS=20
RESERVE_MIB=4
mounted=0

live_tidy_more() {
    pair_stop
    if [ $mounted = 1 ]; then umount "$PAIR_DIR/A" || umount -l "$PAIR_DIR/A"; fi
}

refuses_answers() {
    status_is '.nodes | any(.node == "A" and .disk_reserved)'
}

live_begin "$1"
mkdir "$PAIR_DIR/A"
if ! mount -t tmpfs -o size=24m,mode=0700 tmpfs "$PAIR_DIR/A" 2>/dev/null; then
    echo "skipped: a memory file system cannot be mounted here (not root, or not permitted)"
    exit 77
fi
mounted=1
node_ports A
node_configure A 1000
SEAT_NODES=${NODE_SEAT[A]} ADMIN_NODES=${NODE_ADMIN[A]}
node_start A
expect 0 ctl found --site disk
make_site 1
expect 0 import_site B1
seats_begin "$SEATS" 60 200
expect 0 ctl batch start B1
wait_until 60 "some answers are saved" saved_reach $((SEATS * 5))

# dd ends with an error when the disk is full: that is what is wanted.
dd if=/dev/zero of="$PAIR_DIR/A/filler" bs=64k 2>/dev/null || true
wait_until 60 "the node refuses answers for lack of space" refuses_answers
pass "the disk is full: the node says so and only writes control records"
saved=$(wc -l <"$PAIR_DIR/acked.csv")
rm "$PAIR_DIR/A/filler"
wait_until 60 "answers are saved again" saved_reach $((saved + SEATS))
pass "space is back: answers are saved again"
seats_end
result_check B1
pass "$(seats_figure answers) answers made, none lost, no clock wrong"
