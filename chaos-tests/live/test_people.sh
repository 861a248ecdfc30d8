#!/usr/bin/env bash
# Who may do what, on a real pair (R4, P2): roles and rooms; an act that was changed on its way or said
# before; acts that take two persons; a person who was revoked; keys under a password; and the log, which
# names who it truly was. Usage: test_people.sh BIN FORGER
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"

as() { # PERSON ARGS...: examctl with that person's key
    local key=$PAIR_KEYS/people/$1.key
    shift
    "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" --key-file "$key" "$@"
}

acts_n() { # what the nodes have carried out
    cat "$PAIR_DIR"/[AB].log | grep -cE 'event=(act|promotion|epoch-began) ' || true
}

refused() { # PERSON TEXT ARGS...: with this text and in the log, and nothing was done
    local person=$1 text=$2 acts
    shift 2
    acts=$(acts_n)
    expect 1 as "$person" "$@"
    expect_says "$text"
    grep -hE "event=admin-refused .*who=$person " "$PAIR_DIR"/[AB].log | grep -qE -- "$text" ||
        fail "no log tells that $person was refused: $*"
    expect_same "$acts" "$(acts_n)" "the number of acts after \"$*\" of $person"
}

live_begin "$1"
FORGER=$2
(umask 077 && echo 'correct horse battery' >"$PAIR_DIR/password" && echo 'wrong horse battery' >"$PAIR_DIR/wrong")
expect 0 site issue person li --password-file "$PAIR_DIR/password"
expect 0 site issue person zhou --role invigilator --rooms R01 --no-password
expect 0 site issue person kai --role reviewer --no-password
expect 0 site issue person wu --role office --no-password
expect 1 site issue person li --no-password
expect 2 site issue person sun --role king --no-password
expect 65 site issue person sun --role invigilator --no-password
expect_says '--rooms'
pair_configure
for name in A B; do
    printf 'two-person = {"import", "grant"}\ngrant-two-person-min = 10\n' >>"$PAIR_DIR/$name.conf"
done
node_start A
node_start B
expect 0 ctl found --site live
wait_until 30 "the standby joins" pair_is_dual
make_site 2

# --- two persons

expect 3 import_site B1
expect_says 'the import of batch B1 .*: 80 candidates'
number=$(proposal)
expect 0 as kai status
expect_says '! 1 act waits at A for a second person'
expect 0 as kai proposals
expect_says "^ *$number +A +operator .* the import of batch B1"
refused operator 'operator has proposed this' confirm "$number" --yes
refused kai "a second person's word is for an administrator or the exam office" confirm "$number" --yes
refused zhou 'the list of proposals is for' reject "$number" --yes
[ "$(ctl batch list --json | jq '.batches | length')" = 0 ] || fail "the batch is there before it was confirmed"
expect 65 as li --password-file "$PAIR_DIR/wrong" confirm "$number" --yes
expect_says 'under a password, and this is not it'
expect 65 as li confirm "$number" --yes
expect_says 'no terminal to ask at'
export EXAMCTL_PASSWORD_FILE=$PAIR_DIR/password
expect 0 as li confirm "$number" --yes
expect_says 'batch B1 imported: 80 sittings'
expect 1 as li confirm "$number" --yes
pass "an import waits for a second person with another key, whose role allows it"

expect 0 ctl batch start B1
candidate=$(roster_cell 1 admission_no)
elsewhere=$(roster_cell 41 admission_no)
expect 0 ctl grant "$candidate" 5:00 --reason 'below the limit' --yes
expect 3 ctl grant R01 15:00 --reason 'above it' --yes
number=$(proposal)
expect_says '[+]15:00 to each of 40 candidates of R01: above it'
expect 0 ctl reject "$number" --yes
expect 1 as wu confirm "$number" --yes
expect_says 'no proposal'
expect 0 ctl grant R01 15:00 --reason 'above it' --second "$PAIR_KEYS/people/wu.key" --yes
expect 3 ctl grant R02 15:00 --reason 'of one who is revoked' --yes --key-file "$PAIR_KEYS/people/li.key"
number=$(proposal)
pass "a grant from the limit on waits, too; rejected, or confirmed at the same terminal"

# --- roles and rooms

expect 0 as kai status
expect 0 as kai batch status B1
expect 0 as kai results B1
refused kai 'a pause is for an administrator or an invigilator of that room' pause R01 --reason x --yes
refused kai 'a grant of time is for an administrator or the exam office' grant B1 1:00 --reason x --yes
refused kai 'a collection is for an administrator' batch collect B1 --unfinished --yes
refused kai 'a promotion is for an administrator' promote B --yes
refused wu 'a promotion is for an administrator' promote B --yes
refused wu 'the start of a batch is for an administrator' batch start B1
pass "a reviewer reads, and the exam office does what is the office's"
expect 0 as zhou pause R01 --reason 'water in the room' --yes
expect 0 as zhou resume R01 --reason 'the room is dry' --yes
expect 0 as zhou violation "$candidate" --text 'notes under the desk' --yes
refused zhou 'zhou is an invigilator of R01, and decides nothing about room R02' pause R02 --reason x --yes
refused zhou 'nothing about the whole site' pause site --reason x --yes
refused zhou 'nothing about batch B1' pause B1 --reason x --yes
refused zhou 'nothing about seat R02-03' pause R02-03 --reason x --yes
refused zhou "nothing about candidate $elsewhere" violation "$elsewhere" --text x --yes
refused zhou 'nothing about seat R02-45' move "$candidate" R02-45 --reason x --yes
refused zhou 'a grant of time is for' grant "$candidate" 1:00 --reason x --yes
refused zhou 'the export of results is for' results B1
pass "an invigilator decides in the own rooms, and there only"
expect 0 ctl incident open other "$elsewhere" --text 'of the other room' --yes
expect 0 ctl incident open power site --text 'of all rooms' --yes
expect 0 as zhou violation "$candidate" --text 'the notes are kept' --yes
[ "$(as kai incident list --json | jq '.incidents | length')" = 2 ] || fail "a reviewer does not see both incidents"
expect 0 as zhou incident list
expect_says 'of all rooms'
if grep -qE "of the other room|$elsewhere" <<<"$OUT"; then fail "an invigilator sees an incident of another room"; fi
expect_same 'R01' "$(as zhou seats --json | jq -r '.seats[].seat | sub("-[0-9]+$"; "")' | sort -u)" "the rooms that zhou sees"
expect_same 'R01 R02' "$(as kai seats --json | jq -r '.seats[].seat | sub("-[0-9]+$"; "")' | sort -u | xargs)" "the rooms that kai sees"
expect 0 as zhou sitting show "$candidate"
shown_nothing() { # TEXT ARGS...: the log tells of the first refusals of a minute only
    expect 1 as zhou "${@:2}"
    expect_says "$1"
}
shown_nothing 'zhou is an invigilator of R01, and is shown nothing of room R02' seats --room R02
shown_nothing "is shown nothing of candidate $elsewhere" sitting show "$elsewhere"
shown_nothing "is shown nothing of candidate $elsewhere" receipt "$elsewhere"
shown_nothing 'the list of proposals is for' proposals
shown_nothing 'decides nothing about incident 1' incident note 1 --text x --yes
pass "and is shown what is in them, and nothing of others"

# --- words that were not said

forge() { # HOW ARGS...
    local how=$1
    shift
    FORGE=$how "$FORGER" --nodes "$ADMIN_NODES" "$@"
}
acts=$(acts_n)
expect 1 forge change pause R01 --reason quiet --yes
expect_says 'signature is not of this act'
expect 0 forge "record:$PAIR_DIR/said" pause R01 --reason quiet --yes
expect 0 ctl resume R01 --reason over --yes
expect 1 forge "replay:$PAIR_DIR/said" pause R01 --reason quiet --yes
expect_says 'signature is not of this act'
grep -hE 'event=admin-refused .*who=operator .*act="a pause" .*code=auth' "$PAIR_DIR"/[AB].log | wc -l | grep -qx 2 ||
    fail "the log does not tell of both"
[ "$(acts_n)" = $((acts + 2)) ] || fail "something else than a pause and its end was carried out"
pass "an act that was changed after it was signed, and one that was said before, are refused and logged"

# --- revoked

expect 0 site revoke person li
expect 0 site revoke person zhou
roster_taken
expect 65 as zhou pause R01 --reason x --yes
expect_says 'was revoked'
expect 1 as wu confirm "$number" --yes
expect_says 'the key of who proposed this is void'
pass "who was revoked decides nothing, and what they have proposed is not carried out"

# --- an old roster

cp "$PAIR_KEYS/people/wu.key" "$PAIR_DIR/wu.key"
cp "$PAIR_KEYS/roster" "$PAIR_DIR/old-roster"
expect 0 ctl --key-file "$PAIR_DIR/wu.key" --key-roster "$PAIR_DIR/old-roster" status
expect 0 site revoke person kai
roster_taken
expect 0 ctl --key-file "$PAIR_DIR/wu.key" status
expect 65 ctl --key-file "$PAIR_DIR/wu.key" --key-roster "$PAIR_DIR/old-roster" status
expect_says "is roster $((version - 1)) of the site's keys, and roster $version has been used here already"
pass "a person's tool believes no roster that is older than one that it has used"

# --- passwords

expect 0 "$PAIR_BIN/examctl" site passwd --key-file "$PAIR_DIR/wu.key" --new-password-file "$PAIR_DIR/password"
expect 0 ctl --key-file "$PAIR_DIR/wu.key" status
expect 1 "$PAIR_BIN/examctl" site passwd --key-file "$PAIR_DIR/wu.key" --password-file "$PAIR_DIR/wrong" --no-password
expect 0 ctl --key-file "$PAIR_DIR/wu.key" status
if grep -q '"secret"' "$PAIR_DIR/wu.key"; then fail "the secret is in the file in the clear"; fi
pass "a key is put under a password, and opens with that one"

authority=$PAIR_KEYS/authority.key
expect 0 site show
expect_says "authority.key is under no password: .* .examctl site passwd --key-file $authority. puts it under one"
expect 0 "$PAIR_BIN/examctl" site passwd --key-file "$authority" --new-password-file "$PAIR_DIR/password"
if grep -q '"secret"' "$authority"; then fail "the authority's secret is in the file in the clear"; fi
expect 1 site issue person sun --no-password
expect_says 'no terminal to ask at; give --authority-password-file'
expect 1 site issue person sun --no-password --authority-password-file "$PAIR_DIR/wrong"
expect_says 'authority.key: it is under a password, and this is not it'
expect 0 site issue person sun --no-password --authority-password-file "$PAIR_DIR/password"
expect 0 env EXAMCTL_AUTHORITY_PASSWORD_FILE="$PAIR_DIR/password" "$PAIR_BIN/examctl" site revoke person sun --keys "$PAIR_KEYS"
expect 0 "$PAIR_BIN/examctl" site init --keys "$PAIR_DIR/other" --rooms "$PAIR_ROOMS" --node A --person wang --no-seat-keys --no-data-key \
    --authority-password-file "$PAIR_DIR/password" --password-file "$PAIR_DIR/password"
if grep -rq '"secret"' "$PAIR_DIR/other/authority.key" "$PAIR_DIR/other/people"; then fail "a secret is in a file in the clear"; fi
pass "the authority's key is under a password, which every change of the site's keys asks for"

# --- the log

expect 3 ctl grant R01 15:00 --reason 'before A serves no more' --yes
number=$(proposal)
expect 0 ctl promote B --yes --reason 'to have it signed'
wait_until 20 "B serves" node_has_role B primary
wait_until 30 "A follows" pair_is_dual
expect 1 as wu confirm "$number" --yes
expect_says "no proposal $number waits: .* ended when its server restarted or served no more. .* have it proposed again"
grep -q 'event=proposals-ended .*proposals=1 ' "$PAIR_DIR/A.log" || fail "A does not tell that what waited has ended"
for name in A B; do
    node_kill "$name" TERM
    expect_same 0 "$NODE_STATUS" "the exit code of $name"
done
"$PAIR_BIN/examreplay" export "$PAIR_DIR/B" >"$PAIR_DIR/log.jsonl" 2>/dev/null
signers() { # EVENT WHO PLACE: who has signed the act whose EVENT is of WHO; PLACE -1: in front of it, 1: behind it
    jq -rs --arg e "$1" --arg w "$2" --argjson p "$3" '
        map({kind: (.event | keys[0]), who: (.event[.event | keys[0]] | .who? // "")})
        | (map(.kind == $e and .who == $w) | index(true)) as $at
        | if $p < 0 then .[:$at] | reverse else .[$at + 1:] end
        | map(.kind == "command_signed") as $s | ($s | index(true)) as $first
        | .[$first:] | .[:(map(.kind == "command_signed") | index(false)) // length]
        | if $p < 0 then reverse else . end | map(.who) | join(" ")' "$PAIR_DIR/log.jsonl"
}
expect_same 'operator li' "$(signers import_completed 'operator + li' -1)" "the signers of the import"
expect_same 'operator wu' "$(signers granted 'operator + wu' -1)" "the signers of the grant of 15 minutes"
expect_same 'operator' "$(signers granted operator -1)" "the signer of the grant of 5 minutes"
expect_same 'zhou' "$(signers paused zhou -1)" "the signer of the first pause"
expect_same 'zhou' "$(signers violation_noted zhou -1)" "the signer of the violation"
expect_same 'operator' "$(signers epoch_began operator 1)" "the signer of the founding"
[ "$(jq -rs 'map(select(.event.epoch_began.node == "B")) | last.event.epoch_began.who' "$PAIR_DIR/log.jsonl")" = operator ] ||
    fail "the promotion of B is not of operator"
jq -es 'map(.event.command_signed | select(.)) | length > 12 and all(.[]; (.signature | length) == 128)' \
    "$PAIR_DIR/log.jsonl" >/dev/null || fail "acts without signatures"
if jq -r '.event[].who? // empty' "$PAIR_DIR/log.jsonl" | grep -vE '^(operator|li|wu|zhou|operator [+] (li|wu))?$'; then
    fail "the log names somebody who was not there"
fi
if jq -r '.event[].who? // empty' "$PAIR_DIR/log.jsonl" | grep -q kai; then fail "kai has only read"; fi
pass "the log names who it truly was, with the signatures of one or of both"
