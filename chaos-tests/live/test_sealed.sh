#!/usr/bin/env bash
# P3: what is personal is sealed before it is written. A day with everything that makes files (two nodes that
# serve at once, a dead branch, recovery, restarts, a result) leaves no name, ID number, answer or paper text in
# any byte of either node's folder, nor in its log, nor do the seats' journals have an answer; a site without a data key leaves them all, and the same
# search finds them there. A locked node follows, and neither serves nor is handed anything.
# Usage: test_sealed.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
PAIR_LOCKED=1
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=10

# Multiple choices of 20: an answer is a word that no other file has by chance.
site_make() {
    make_site 1
    jq '(.. | objects | select(.kind == "multiple") | .options) |=
        ([range(20)] | map({key: ([. + 65] | implode), value: "option \(.)"}) | from_entries)' \
        "$PAIR_DIR/site/paper.json" >"$PAIR_DIR/site/wide.json"
    mv "$PAIR_DIR/site/wide.json" "$PAIR_DIR/site/paper.json"
}

# Of a list of words, those that are in a file of the node: its folder, and what it says to its operator.
found_of() { # LIST NODE
    found_in "$1" "$PAIR_DIR/$2" "$PAIR_DIR/$2.log"
}

at_a() { # how many seats A has, in the epoch that it began while B served
    [ "$(jq -r 'select(.event == "resumed" and .node == 0 and .epoch >= 3) | .admission_no' \
        "$PAIR_DIR/events.jsonl" | sort -u | wc -l)" -ge "$1" ]
}

# The same of the seats' journals, which are there until the batch is collected: then a copy of them.
found_at_seats() {
    found_in values "$PAIR_DIR/journals.then"
}

# Both nodes serve, each half of the seats, and are one again: B sets its branch apart, and A recovers it. So
# what B acknowledged alone is in both folders, twice.
wrong_promotion() {
    paths_cut
    touch "$PAIR_DIR/split"
    wait_until 30 "B goes on alone" is_solo B
    expect 0 "$PAIR_BIN/examctl" --nodes "${NODE_ADMIN[A]}" promote A --attest --yes --reason "a person is wrong"
    wait_until 30 "half of the seats go on at A" at_a $((SEATS / 2))
    saved=$(wc -l <"$PAIR_DIR/acked.csv")
    wait_until 30 "both acknowledge answers" saved_reach $((saved + 4 * SEATS))
    paths_open
    touch "$PAIR_DIR/healed"
    wait_until 30 "one of them steps down" pair_is_dual
    grep -q 'event=branch-recovered' "$PAIR_DIR"/[AB].log || fail "nothing was recovered from a dead branch"
}

seats_sit() { # ANSWERS|open
    rm -rf "$PAIR_DIR"/{split,healed,journals,events.jsonl}
    echo "@$PAIR_DIR/split reset 50% from 2 until @$PAIR_DIR/healed" >"$PAIR_DIR/plan"
    BATCH=B1 seats_begin $SEATS "$1" 150 --plan "$PAIR_DIR/plan"
    expect 0 ctl batch start B1
    wait_until 60 "some answers" saved_reach $((2 * SEATS))
}

# Whoever unlocks with a password; the same key as in keys/data-key.
unlock() { # ARGS...
    ctl unlock --data-key "$PAIR_DIR/boxed" --password-file "$PAIR_DIR/password" "$@"
}

locked_is() { # NODE true|false
    status_is ".nodes | any(.node == \"$1\" and .locked == $2)"
}

live_begin "$1"
command -v socat >/dev/null || {
    echo "skipped: socat is not installed"
    exit 77
}
site_make

# --- locked

printf 'correct horse battery\n' >"$PAIR_DIR/password"
printf 'correct horse batterx\n' >"$PAIR_DIR/wrong"
chmod 600 "$PAIR_DIR/password" "$PAIR_DIR/wrong"
expect 0 "$PAIR_BIN/examctl" site data-key --keys "$PAIR_KEYS" -o "$PAIR_DIR/boxed" --password-file "$PAIR_DIR/password"
[ "$(stat -c %a "$PAIR_DIR/boxed")" = 600 ] || fail "the data key's file is not its owner's only"
grep -q "$(jq -r .key "$PAIR_KEYS/data-key")" "$PAIR_DIR/boxed" && fail "the key is in the file that a password protects"

pair_configure_relayed
node_start A
node_start B
expect 1 ctl found --site live
expect_says 'A is locked.*examctl unlock A'
expect 1 ctl unlock --data-key "$PAIR_DIR/boxed" --password-file "$PAIR_DIR/wrong"
expect_says 'not its password'
"$PAIR_BIN/examctl" site init --keys "$PAIR_DIR/other" --rooms "$PAIR_ROOMS" --node A --person operator --no-password >/dev/null
expect 1 ctl unlock --data-key "$PAIR_DIR/other/data-key"
expect_says 'not the data key that the roster'
locked_is A true || fail "A is not locked any more"
expect 0 unlock A
locked_is A false || fail "A is still locked"
expect 0 ctl found --site live
wait_until 30 "B joins, locked" pair_is_dual
locked_is B true || fail "B is not locked"
pass "a node is opened by the site's own key, and by its password, and by nothing else"

expect 0 import_site B1
seats_sit open
expect 1 ctl promote B --yes --reason "to see what it says"
expect_says 'B is locked.*examctl unlock B'
node_kill A KILL
expect 1 ctl promote B --attest --yes --reason "A was killed"
expect_says 'B is locked.*examctl unlock B'
expect 0 unlock B
expect 0 ctl promote B --attest --yes --reason "A was killed"
wait_until 30 "the seats go on at B" event_seen resumed
node_start A
wait_until 30 "A follows, locked" pair_is_dual
locked_is A true || fail "A has kept the key over its end"
pass "a locked standby follows, and is not promoted; unlocked, it goes on with all answers"

# --- a day with everything that makes files

expect 0 unlock
wrong_promotion
cp -r "$PAIR_DIR/journals" "$PAIR_DIR/journals.then"
seats_end
result_check B1
wait_until 30 "both nodes are the same" nodes_agree
words_make names ids texts values
expect 0 ctl sitting show "$(roster_cell 1 admission_no)"
expect_says "$(roster_cell 1 name)"
grep -q "$(roster_cell 1 name)" "$PAIR_DIR/results.csv" || fail "the result has no names"
pass "names and answers come out as they went in, after a failover and out of a dead branch"

# --- a start without a person

node_kill B TERM
printf 'unlock-credential = "%s"\n' "$PAIR_DIR/boxed" >>"$PAIR_DIR/B.conf"
expect 78 timeout 20 "$PAIR_BIN/examnode" --config "$PAIR_DIR/B.conf"
expect_says 'under a password'
sed -i '$d' "$PAIR_DIR/B.conf"
printf 'unlock-credential = "data-key"\n' >>"$PAIR_DIR/B.conf"
export CREDENTIALS_DIRECTORY=$PAIR_KEYS
node_start B
unset CREDENTIALS_DIRECTORY
wait_until 30 "B is back" pair_is_dual
locked_is B false || fail "the credential did not unlock B"
pass "a credential of the service manager unlocks a node at its start"

# --- what is in the files

pair_stop
for node in A B; do
    for list in names ids texts values; do
        OUT=$(found_of $list $node || true)
        [ -z "$OUT" ] || fail "some $list are in the files of $node"
    done
    grep -qra "$(roster_cell 1 admission_no)" "$PAIR_DIR/$node" || fail "the search finds nothing at all at $node"
done
pass "no name, ID number, answer or paper text is in a file of either node"
OUT=$(found_at_seats || true)
[ -z "$OUT" ] || fail "some answers are in the seats' journals"
grep -qra "$(roster_cell 1 admission_no)" "$PAIR_DIR/journals.then" || fail "the search finds nothing at all in the journals"
pass "no answer is in a seat's journal"

# --- the control: nothing is sealed

rm -rf "$PAIR_DIR"/{A,B,A.log,B.log,keys,journals.then}
"$PAIR_BIN/examctl" site init --keys "$PAIR_KEYS" --rooms "$PAIR_ROOMS" --node A,B --person operator --no-password --no-data-key >/dev/null
pair_configure_relayed
node_start A
node_start B
expect 0 ctl found --site live
wait_until 30 "B joins" pair_is_dual
expect 0 import_site B1
seats_sit 20
cp -r "$PAIR_DIR/journals" "$PAIR_DIR/journals.then"
seats_end
result_check B1
words_make names ids texts values
pair_stop
for node in A B; do
    for list in names ids texts values; do
        [ "$(found_of $list $node | wc -l)" = "$(wc -l <"$PAIR_DIR/$list")" ] || fail "the search does not find all $list at $node"
    done
done
pass "of a site without a data key the same search finds every one of them in both folders"
