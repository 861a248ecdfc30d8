#!/usr/bin/env bash
# D8 on real processes, with keys: two servers sign what they hold and exchange it; candidates get receipts;
# after a failover both folders are proven against what both have signed. Then a chain is made anew after a
# change, with true-looking hashes: it is found by the node itself, and by whoever verifies either folder.
# Usage: test_evidence.sh BIN REFORGE
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
REFORGE=$2

verify() { # EXIT_CODE ARGUMENTS...
    local code=$1
    shift
    expect "$code" "$PAIR_BIN/examctl" verify "$@"
}

signed_by_both() { # LSN: both nodes have signed so far, and have each other's word of it
    status_is "[.nodes[] | select(.signed_lsn >= $1 and .others_signed_lsn >= $1)] | length == 2"
}

last_lsn() {
    ctl status --json | jq -er '.nodes[] | select(.role == "primary") | .lsn'
}

live_begin "$1"
make_site 1
pair_up
expect 0 import_site B1
expect 0 ctl batch start B1
seats_begin "${LIVE_SEATS:-10}" 10 200
lone=$(roster_cell 30 admission_no)
mkdir -p "$PAIR_DIR/lone-journal"
expect 0 timeout $((30 * WAIT_FACTOR)) "$PAIR_BIN/minimal_seat" "$SEAT_NODES" "$(roster_cell 30 seat)" \
    "$lone" "$(roster_cell 30 id_no)" "$PAIR_DIR/lone-journal" 2 \
    "$PAIR_KEYS/seats/R01/$(roster_cell 30 seat).key" "$PAIR_KEYS/roster"
expect_says '^receipt, kept as .*/receipt-'
expect_says '^check [0-9A-Z]{4}-'
receipt=$(ls "$PAIR_DIR"/lone-journal/receipt-"$lone"-*.txt | head -n 1)
[ -s "$receipt" ] || fail "the seat has kept no receipt"
pass "who submits gets a receipt, and the seat keeps it"

expect 0 ctl receipt "$lone" -o "$PAIR_DIR/lone.txt"
grep -q "^candidate $lone\$" "$PAIR_DIR/lone.txt" || fail "it is not the candidate's"
expect 1 ctl receipt "$(roster_cell 31 admission_no)"
expect_says 'is not through.*D8'
expect 1 ctl receipt 99999999
pass "the server that serves gives it, too, and to nobody who is not through"

seats_end
here=$(last_lsn)
wait_until 30 "both have signed what there is" signed_by_both "$here"
node_kill A
expect 0 ctl promote B --yes --attest --reason "A was killed"
expect 0 ctl batch collect B1 --unfinished --yes
expect 0 ctl receipt "$(roster_cell 1 admission_no)" -o "$PAIR_DIR/first.txt"
grep -q '^node B$' "$PAIR_DIR/first.txt" || fail "it is not signed by B"
node_start A
wait_until 30 "A follows B" pair_is_dual
wait_until 30 "both have signed what there is" signed_by_both "$(last_lsn)"
node_kill A TERM
node_kill B TERM
for node in A B; do cp -r "$PAIR_DIR/$node" "$PAIR_DIR/$node-true"; done

export EXAMCTL_KEY_FILE EXAMCTL_KEY_ROSTER
typed=$lone:$(sed -n 's/^record //p' "$receipt"):$(sed -n 's/^check //p' "$receipt" | tr 'A-Z' 'a-z' | tr -d -)
verify 0 "$PAIR_DIR/A" "$PAIR_DIR/B" --receipt "$receipt" --receipt "$PAIR_DIR/lone.txt" \
    --receipt "$PAIR_DIR/first.txt" --receipt "$typed"
expect_says 'Signed +by A, .*up to record [0-9]+'
expect_says 'Signed +by B, .*up to record [0-9]+'
expect_says 'Acts +[1-9][0-9]* are signed by their persons \(R4\)$'
expect_says 'Receipt .* which the log has as of record'
[ "$(grep -c 'Receipt ' <<<"$OUT")" = 8 ] || fail "not every receipt was held against both logs"
expect 0 env -u EXAMCTL_KEY_FILE -u EXAMCTL_KEY_ROSTER "$PAIR_BIN/examreplay" verify "$PAIR_DIR/A" "$PAIR_DIR/B" --json \
    --roster "$PAIR_KEYS/roster" --authority "$PAIR_KEYS/nodes/A.key" --receipt "$receipt"
jq -e '.folders | all(.proven and .signatures_checked and (.signed | length == 2) and .receipts[0].good)' \
    <<<"$OUT" >/dev/null || fail "examreplay says otherwise"
expect 2 env -u EXAMCTL_KEY_FILE "$PAIR_BIN/examctl" verify "$PAIR_DIR/A"
expect_says 'whose signature'
pass "both folders are proven, against what both have signed and what candidates were given"

sed -e 's/^answers .*/answers 3/' "$receipt" >"$PAIR_DIR/forged.txt"
verify 65 "$PAIR_DIR/A" --receipt "$PAIR_DIR/forged.txt"
expect_says 'a letter of it was changed'
verify 1 "$PAIR_DIR/A" --receipt "${typed%?}0" --receipt "${typed%?}1"
expect_says 'WRONG .*it was mistyped, or the log'
pass "a receipt that was changed is none, and one that is mistyped is found"

# --- a chain that was made anew

lsn=$(($(sed -n 's/^record //p' "$receipt") - 1))
"$REFORGE" "$PAIR_DIR/B" "$lsn"
verify 1 "$PAIR_DIR/B" --receipt "$receipt"
expect_says 'WRONG .*is not the one that server [AB] signed.*the log was made anew'
expect_says 'receipt .*the log has another record there'
verify 1 "$PAIR_DIR/B" --json
found=$(jq -er '[.findings[] | select(.text | test("made anew")) | .lsn] | min' <<<"$OUT") || fail "no such finding"
[ "$found" -ge "$lsn" ] || fail "found at $found, before the change at $lsn"
verify 1 "$PAIR_DIR/A" "$PAIR_DIR/B"
expect_says "PART +the logs are the same up to record $((lsn - 1)),"
expect_says "PROVEN +$PAIR_DIR/A"
pass "a chain made anew is found by what was signed, and to the record with the other folder"

"$REFORGE" --forget "$PAIR_DIR/B"
verify 0 "$PAIR_DIR/B"
expect_says 'Signed +by no server'
verify 1 "$PAIR_DIR/B" "$PAIR_DIR/A-true"
expect_says "WRONG +$PAIR_DIR/B: record [0-9]+ is not the one that server [AB] signed"
pass "without its checkpoints it is found by those of the other folder"

rm -r "$PAIR_DIR/B"
cp -r "$PAIR_DIR/B-true" "$PAIR_DIR/B"
"$REFORGE" "$PAIR_DIR/B" "$lsn"
node_start B
wait_until 20 "B says that its history was made anew" grep -q 'event=history-contradicted' "$PAIR_DIR/B.log"
wait_until 20 "the status says it" status_is '.nodes[] | select(.node == "B") | .contradicted_lsn > 0'
OUT=$(ctl status 2>&1 || true) # A is off
expect_says '! B: record [0-9]+ was another one when server [AB] signed it'
pass "a node that starts on such a folder says so itself"

# --- what is signed by nobody

node_kill B TERM
for node in A B; do
    rm -r "$PAIR_DIR/$node"
    cp -r "$PAIR_DIR/$node-true" "$PAIR_DIR/$node"
done
"$REFORGE" --spoil "$PAIR_DIR/B"
verify 1 "$PAIR_DIR/B"
expect_says 'has a checkpoint of server [AB] that this server did not sign'
node_start A
node_start B
wait_until 20 "A refuses what B has not signed" grep -q 'event=checkpoint-refused .*peer=B .*signature' "$PAIR_DIR/A.log"
wait_until 30 "they go on" pair_is_dual
status_is '.nodes | all(.contradicted_lsn == 0)' || fail "it was taken for a contradiction"
pass "a checkpoint that its node has not signed is refused, logged and found, and hurts nobody"
