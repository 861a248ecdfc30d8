#!/usr/bin/env bash
# What people do during an exam, on a real pair: the projected end of a batch and the warning when
# lost time pushes it into the next one's entry (P11); and acts that make no sense are refused with
# their rule, logged, and change nothing (T8, T9, T11, R4). Usage: test_acts.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"

refused() { # RULE TEXT ARGUMENTS...: by the node that serves, in its log, and without a trace in the state
    local rule=$1 text=$2 digest
    shift 2
    digest=$(state_digest)
    expect 1 ctl "$@" --yes
    expect_says "$text.*$rule"
    grep -hE 'event=act-refused' "$PAIR_DIR"/[AB].log | grep -qE -- "$text" ||
        fail "no log tells that \"$*\" was refused"
    expect_same "$digest" "$(state_digest)" "the state after \"$*\""
}

warns_of() { # BATCH NEXT
    [[ $(batch_field "$1" warning) == *"after the planned entry of batch $2"* ]]
}

live_begin "$1"
pair_configure
for name in A B; do echo 'grant-max-min = 30' >>"$PAIR_DIR/$name.conf"; done
node_start A
node_start B
expect 0 ctl found --site live
wait_until 30 "the standby joins" pair_is_dual
make_site 1

# B2 enters B1's room at the full minute that is 61 to 62 minutes away; B1 is to end 8 s before it.
entry_s=$((($(date +%s) / 60 + 62) * 60))
allot_s=$((entry_s - $(date +%s) - 8))
import_site B1 --allot "$((allot_s / 60)):$(printf %02d $((allot_s % 60)))" >/dev/null
sed -i -e '2,$s/^./9/' "$PAIR_DIR/site/roster.csv"
import_site B2 --entry "$(date -d "@$entry_s" '+%F %H:%M')" >/dev/null
expect 2 import_site B3 --entry 'half past ten'
expect 0 ctl batch start B1
left_ms=$(batch_field B1 end_in_ms)
[ "$left_ms" -le $((allot_s * 1000)) ] && [ "$left_ms" -gt $((allot_s * 1000 - 60000 * WAIT_FACTOR)) ] ||
    fail "B1 of $allot_s s is to end in $left_ms ms"
expect 0 ctl batch status B1
expect_says '^Ends +in .*, if nothing more happens'
pass "the projected end of a batch is shown"

if [ $(($(date +%s) + left_ms / 1000)) -lt "$entry_s" ]; then
    [ "$(batch_field B1 warning)" = "" ] || fail "a warning without need: $(batch_field B1 warning)"
fi
expect 0 ctl pause site --reason 'fire alarm' --yes
wait_until 60 "the pause pushes B1 into B2's entry" warns_of B1 B2
expect 0 ctl resume site --reason over --yes
warns_of B1 B2 || fail "the warning went away with the pause"
expect 0 ctl batch status B1
expect_says '! its projected end is 0 min [0-9]+ s after the planned entry of batch B2'
expect 0 ctl grant B1 5:00 --reason 'fire alarm' --yes
expect 0 ctl batch status B1
expect_says '! its projected end is 5 min [0-9]+ s after the planned entry of batch B2'
expect 0 ctl status
expect_says '! Batch B1: its projected end'
pass "lost and granted time that pushes it into the next entry is a warning, as text and as JSON"

# Clocks that stand: nothing changes by itself.
expect 0 ctl pause R01 --reason noise --yes
who=$(roster_cell 1 admission_no) && who=2${who#9}
refused R4 'no batch, room, seat or candidate nobody' grant nobody 5:00 --reason test
refused T9 'maximum of 1800000' grant "$who" 30:00.001 --reason test
refused T9 'only that much' grant "$who" -20:00:00 --reason test
refused T11 'no seat R01-99' move "$who" R01-99 --reason test
refused T11 'is taken by candidate' move "$who" R01-02 --reason test
refused T11 'not in contact' move "$who" R01-48 --reason test
refused R4 'no candidate with admission number 4711' move 4711 R01-48 --reason test
refused T8 'already' pause R01 --reason noise
refused T8 'not paused by itself' resume R01-01 --reason over
expect 0 ctl resume R01 --reason over --yes
expect 0 ctl batch collect B1 --unfinished --yes
refused T9 'collected' grant "$who" 5:00 --reason test
refused T11 'collected' move "$who" R01-48 --reason test
nodes_agree || wait_until 10 "both nodes agree" nodes_agree
pass "acts that make no sense are refused with their rule, logged, and change nothing"
