#!/usr/bin/env bash
# A reviewer reads the folders of real servers: a room is paused, seats lose their power, the primary is
# killed, its standby promoted, the old one comes back. Both folders are proven, and say the same; the account
# of every candidate is, to the millisecond, what the node itself told. Nothing is written to a folder. What is
# no data folder, or is in use, damaged or cut off, is said clearly. Usage: test_folders.sh BIN
set -euo pipefail
LIVE=$(cd "$(dirname "$0")/../../../chaos-tests/live" && pwd)
. "$LIVE/pair.sh"
. "$LIVE/expect.sh"
SEATS=${LIVE_SEATS:-40}

replay() {
    "$PAIR_BIN/examreplay" "$@"
}

# Names, sizes, times and bytes of everything in a folder.
folder_print() {
    (cd "$1" && find . -printf '%p %s %T@ %C@\n' | sort && sha256sum ./*)
}

# What examreplay tells of a sitting, in the fields of `examctl sitting show`. (Elapsed time runs on with the
# node's clock, and has stopped in the folder.)
account_fields='{admission_no, seat, state, finish, allot_ms, grants_ms, used_ms, left_ms, lost_ms, answers, late,
    batch, violations, former_sessions, interruptions}'

live_begin "$1"
pair_up
make_site $(((SEATS + 39) / 40))
expect 0 import_site B1 --grace 0:02
printf '0:01 power 15%% for 0:02\n' >"$PAIR_DIR/plan"
seats_begin "$SEATS" 30 300 --plan "$PAIR_DIR/plan" --grace-ms 2000
expect 0 ctl batch start B1
wait_until 60 "some answers are saved" saved_reach $((SEATS * 4))
expect 75 replay verify "$PAIR_DIR/A"
expect_says "a node has .* open \\(process ${NODE_PID[A]}\\)"
expect 0 ctl pause R01 --reason "a fire alarm" --yes
expect 0 ctl resume R01 --reason "no fire" --yes
expect 0 ctl grant "$(roster_cell 5 admission_no)" 1:00 --reason "a noisy seat" --yes
node_kill A KILL
expect 0 ctl promote B --attest --yes --reason "test: A was killed"
node_start A
wait_until 60 "A follows" pair_is_dual
seats_end
result_check B1
wait_until 30 "both nodes agree" nodes_agree
while read -r admission_no; do
    ctl sitting show "$admission_no" --json
done < <(tail -n +2 "$PAIR_DIR/accounts.csv" | cut -d, -f1) | jq -cS "$account_fields" >"$PAIR_DIR/told"
digest=$(state_digest)
node_kill A TERM
node_kill B KILL # what it has not flushed is in its log
pass "a day with a pause, power cuts and a promotion is over"

for name in A B; do
    folder_print "$PAIR_DIR/$name" >"$PAIR_DIR/before-$name"
done
expect 0 replay verify "$PAIR_DIR/A" "$PAIR_DIR/B"
expect_says '^PROVEN .*/A: '
expect_says '^PROVEN .*/B: '
expect_says '^(SAME|SHORTER) '
expect 0 replay verify "$PAIR_DIR/B" --json
expect_same "$digest" "$(jq -r .state_digest <<<"$OUT")" "the state's digest"
pass "both folders are proven and say the same"

while read -r admission_no; do
    replay account "$PAIR_DIR/B" "$admission_no" --json
done < <(tail -n +2 "$PAIR_DIR/accounts.csv" | cut -d, -f1) | jq -cS "$account_fields" >"$PAIR_DIR/replayed"
cmp "$PAIR_DIR/told" "$PAIR_DIR/replayed" || fail "accounts differ from what the node told"
expect 0 replay account "$PAIR_DIR/B" "$(roster_cell 5 admission_no)"
expect_says 'is granted 1:00.*by operator: a noisy seat'
expect_says 'room R01 is PAUSED, by operator: a fire alarm'
pass "$(wc -l <"$PAIR_DIR/told") accounts are what the node told"

expect 0 replay timeline "$PAIR_DIR/B"
expect_says 'B SERVES from here on: epoch .*\(attested\).*test: A was killed'
expect_says 'seats in contact again: credited|is in contact again: credited'
expect 0 replay timeline "$PAIR_DIR/B" --kind role
! grep -q PAUSED <<<"$OUT" || fail "a pause is no role"
expect 0 replay timeline "$PAIR_DIR/B" --json --kind all
expect_same "$(replay verify "$PAIR_DIR/B" --json | jq .lsn)" "$(jq -s length <<<"$OUT")" "records in the timeline"
expect 0 replay at "$PAIR_DIR/B" 2
expect_says '^Serves    A, epoch 1'
expect 0 replay at "$PAIR_DIR/B" 999999999 --sitting "$(roster_cell 1 admission_no)" --json
expect_same 1 "$(jq '.sittings | length' <<<"$OUT")" "sittings asked for"
expect 0 replay export "$PAIR_DIR/B" --format csv -o "$PAIR_DIR/events.csv"
expect_same efbbbf "$(head -c 3 "$PAIR_DIR/events.csv" | od -An -tx1 | tr -d ' ')" "the CSV's byte order mark"
expect 0 replay export "$PAIR_DIR/B"
! grep -Eq '"(site_key|session|value|id_no)":' <<<"$OUT" || fail "a secret is in the export"
expect 0 replay diff "$PAIR_DIR/B" 1 999999999 --sitting "$(roster_cell 5 admission_no)" --json
expect_same 60000 "$(jq '.sittings[0].grants_ms' <<<"$OUT")" "what was granted in between"
expect 2 replay step "$PAIR_DIR/B"
expect_says 'a view for a terminal'
pass "timeline, moments, differences and exports"

# Reports, certificates and databases say what the node told.
expect 0 replay export "$PAIR_DIR/B" --format sqlite -o "$PAIR_DIR/events.db"
sqlite3 -readonly "$PAIR_DIR/events.db" "SELECT json_object('admission_no', admission_no, 'allot_ms', allot_ms,
    'grants_ms', grants_ms, 'used_ms', used_ms, 'left_ms', left_ms, 'lost_ms', lost_ms) FROM sitting" |
    jq -cS . | sort >"$PAIR_DIR/database"
jq -cS '{admission_no, allot_ms, grants_ms, used_ms, left_ms, lost_ms}' "$PAIR_DIR/told" | sort |
    comm -23 - "$PAIR_DIR/database" >"$PAIR_DIR/differs"
[ ! -s "$PAIR_DIR/differs" ] || fail "the database's accounts are not what the node told: $(head -n 1 "$PAIR_DIR/differs")"
expect_same 0 "$(sqlite3 -readonly "$PAIR_DIR/events.db" 'SELECT COUNT(*) FROM wrong_accounts')" "wrong accounts"
expect 0 replay report "$PAIR_DIR/B" -o "$PAIR_DIR/report.html"
for admission_no in $(jq -r 'select(.lost_ms > 0) | .admission_no' "$PAIR_DIR/told"); do
    grep -q ">$admission_no<" "$PAIR_DIR/report.html" || fail "the report does not name $admission_no"
done
grep -q "room R01 is PAUSED, by operator: a fire alarm" "$PAIR_DIR/report.html" || fail "the report lacks the pause"
expect 0 replay report "$PAIR_DIR/B" --lang zh_CN --batch B1 -o "$PAIR_DIR/report-zh.html"
grep -q '批次 B1 报告' "$PAIR_DIR/report-zh.html" || fail "the report is not in Chinese"
expect 2 replay report "$PAIR_DIR/B" --lang xx_YY
expect 65 replay report "$PAIR_DIR/B" --batch nosuch -o "$PAIR_DIR/none.html"
expect 65 replay report "$PAIR_DIR/B" --incident 9999 -o "$PAIR_DIR/none.html"
[ ! -e "$PAIR_DIR/none.html" ] || fail "a report on nothing was written"
for n in 1 5 9; do
    admission_no=$(roster_cell $n admission_no)
    expect 0 replay account "$PAIR_DIR/B" "$admission_no" --certificate "$PAIR_DIR/certificate.html"
    lost_ms=$(jq "select(.admission_no == \"$admission_no\") | .lost_ms" "$PAIR_DIR/told")
    expect_same "$lost_ms" "$(grep -o 'class="main">.*' "$PAIR_DIR/certificate.html" | grep -o '[0-9:.]*</td>' | head -n 1 |
        awk -F'[:<]' '{ printf "%d", ($1 * 60 + $2) * 1000 + 0.5 }')" "what the certificate of $admission_no says"
done
pass "reports, certificates and databases say what the node told"

# What the site has sealed is shown to whoever brings its data key, and to nobody else (P3).
admission_no=$(roster_cell 5 admission_no)
name=$(roster_cell 5 name)
key=$PAIR_KEYS/data-key
expect 0 replay account "$PAIR_DIR/B" "$admission_no"
expect_says '\(sealed\)'
expect_says 'sealed: --data-key FILE'
! grep -q "$name" <<<"$OUT" || fail "a name was shown without the key"
expect 0 replay account "$PAIR_DIR/B" "$admission_no" --data-key "$key"
expect_says "$name"
! grep -q 'sealed' <<<"$OUT" || fail "something is sealed for whoever has the key"
expect 0 replay account "$PAIR_DIR/B" "$admission_no" --certificate "$PAIR_DIR/certificate.html" --data-key "$key"
grep -q "$name" "$PAIR_DIR/certificate.html" || fail "the certificate has no name"
expect 0 replay report "$PAIR_DIR/B" --data-key "$key" -o "$PAIR_DIR/named.html"
for admission_no in $(jq -r 'select(.lost_ms > 0) | .admission_no' "$PAIR_DIR/told"); do
    name=$(awk -F, -v n="$admission_no" '$1 == n { print $3 }' "$PAIR_DIR/site/roster.csv")
    grep -q ">$name<" "$PAIR_DIR/named.html" || fail "the report does not name $admission_no"
    ! grep -q ">$name<" "$PAIR_DIR/report.html" || fail "the report without the key names $admission_no"
done
expect 0 replay at "$PAIR_DIR/B" 999999999 --json --data-key "$key"
names=$(jq -r '.sittings[].name' <<<"$OUT" | sort)
expect_same "$(tail -n +2 "$PAIR_DIR/site/roster.csv" | cut -d, -f3 | sort)" "$names" "names of the state"
expect 0 replay export "$PAIR_DIR/B" --format sqlite -o "$PAIR_DIR/named.db" --data-key "$key"
expect_same "$names" "$(sqlite3 -readonly "$PAIR_DIR/named.db" 'SELECT name FROM sitting' | sort)" "names of the database"
replay timeline "$PAIR_DIR/B" --json --kind import --data-key "$key" >"$PAIR_DIR/named.jsonl"
expect_same "$names" "$(jq -r '.event.sittings_added.sittings[]?.name' "$PAIR_DIR/named.jsonl" | sort)" "names of the timeline"
replay export "$PAIR_DIR/B" --sealed --data-key "$key" | jq -r '.event.answered.value // empty' | sort -u >"$PAIR_DIR/values"
tail -n +2 "$PAIR_DIR/acked.csv" | wc -l | grep -qv '^0$' || fail "no answer was acknowledged"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "value") c = i; next }
    { gsub(/"/, "", $c) } $c != "" { print $c }' "$PAIR_DIR/answers.csv" | sort -u >"$PAIR_DIR/answered"
expect_same "" "$(comm -13 "$PAIR_DIR/values" "$PAIR_DIR/answered")" "answers of the result that the export lacks"
! replay export "$PAIR_DIR/B" --data-key "$key" 2>/dev/null | grep -q '"value":' || fail "answers were shown unasked"
printf 'correct horse battery\n' >"$PAIR_DIR/password"
printf 'correct horse batterx\n' >"$PAIR_DIR/wrong"
chmod 600 "$PAIR_DIR/password" "$PAIR_DIR/wrong"
"$PAIR_BIN/examctl" site data-key --keys "$PAIR_KEYS" -o "$PAIR_DIR/boxed" --password-file "$PAIR_DIR/password" 2>/dev/null
expect 0 replay account "$PAIR_DIR/B" "$(roster_cell 1 admission_no)" --data-key "$PAIR_DIR/boxed" --password-file "$PAIR_DIR/password"
expect_says "$(roster_cell 1 name)"
expect 65 replay account "$PAIR_DIR/B" "$(roster_cell 1 admission_no)" --data-key "$PAIR_DIR/boxed" --password-file "$PAIR_DIR/wrong"
expect_says 'not its password'
"$PAIR_BIN/examctl" site init --keys "$PAIR_DIR/other" --rooms "$PAIR_ROOMS" --node A --person operator --no-password >/dev/null
expect 65 replay account "$PAIR_DIR/B" "$(roster_cell 1 admission_no)" --data-key "$PAIR_DIR/other/data-key"
expect_says 'the data key is of another site'
expect 2 replay verify "$PAIR_DIR/B" --data-key "$key"
pass "names and answers are shown to whoever has the site's data key"

# In Chinese everything is Chinese: but for names, what persons wrote, and what is to be typed, no word is left.
english_left() { # OPTIONS... of examreplay: prints the words
    replay "$@" --lang zh_CN 2>&1 | sed -E "s/^examreplay: //; s/\`[^\`]*\`//g; s|${PAIR_DIR}[^ :，：]*||g; s/<style>.*//; s/<[^>]*>//g
        s/a fire alarm|no fire|a noisy seat|test: A was killed|operator|live|dual|solo|--[a-z-]+|[0-9a-f]{32,}//g" |
        { grep -oE '[A-Za-z]*[a-z]{3,}[A-Za-z]*' || true; } | sort -u | tr '\n' ' '
}
lsn=$(replay verify "$PAIR_DIR/B" --json | jq .lsn)
while read -r command; do
    # shellcheck disable=SC2086
    expect_same "" "$(english_left ${command//DAY/$PAIR_DIR})" "English in $command"
done <<COMMANDS
verify DAY/A DAY/B
verify DAY/B --roster $PAIR_KEYS/roster --authority $PAIR_KEYS/people/$EXAMCTL_WHO.key
account DAY/B $(roster_cell 5 admission_no)
account DAY/B 9999
at DAY/B $((lsn / 2))
diff DAY/B 1 $lsn
timeline DAY/B --kind all
report DAY/B --room R01
COMMANDS
pass "in Chinese everything is Chinese"

# A whole export is read in the folder's place; cut off, it says where.
for name in A B; do
    expect 0 replay export "$PAIR_DIR/$name" --whole -o "$PAIR_DIR/$name.jsonl"
    for format in "" --json; do
        replay verify "$PAIR_DIR/$name.jsonl" $format | sed "s|$PAIR_DIR/$name.jsonl|$PAIR_DIR/$name|" >"$PAIR_DIR/of-export"
        replay verify "$PAIR_DIR/$name" $format | cmp - "$PAIR_DIR/of-export" || fail "verify says something else of the export of $name"
    done
done
expect_same 600 "$(stat -c %a "$PAIR_DIR/A.jsonl")" "who may read a whole export"
while read -r admission_no; do
    replay account "$PAIR_DIR/B.jsonl" "$admission_no" --json
done < <(tail -n +2 "$PAIR_DIR/accounts.csv" | cut -d, -f1) 2>/dev/null | jq -cS "$account_fields" | cmp - "$PAIR_DIR/told" ||
    fail "accounts of the export differ from what the node told"
expect 0 replay account "$PAIR_DIR/B.jsonl" "$(roster_cell 1 admission_no)" --data-key "$key"
expect_says "$(roster_cell 1 name)"
expect 0 replay verify "$PAIR_DIR/A" "$PAIR_DIR/B.jsonl"
expect_says '^(SAME|SHORTER) '
expect 2 replay export "$PAIR_DIR/B" --whole --format csv
expect 2 replay export "$PAIR_DIR/B" --whole --room R01
cut=$(awk 'NR <= 100 { n += length($0) + 1 } END { print n + 30 }' "$PAIR_DIR/B.jsonl")
LC_ALL=C head -c "$cut" "$PAIR_DIR/B.jsonl" >"$PAIR_DIR/cut.jsonl"
expect 1 replay verify "$PAIR_DIR/cut.jsonl"
expect_says 'record 100 .*line 101 of the export .*record 100\) is not whole: the file was cut off'
expect 1 replay report "$PAIR_DIR/cut.jsonl"
expect 0 replay timeline "$PAIR_DIR/cut.jsonl" --to 99
pass "whole exports are read as the folders are"

for name in A B; do
    folder_print "$PAIR_DIR/$name" | cmp - "$PAIR_DIR/before-$name" || fail "something was written to $name"
done
pass "nothing was written to the folders"

# What is no readable data folder.
mkdir "$PAIR_DIR/empty" "$PAIR_DIR/foreign" "$PAIR_DIR/cut" "$PAIR_DIR/rotten"
expect 65 replay verify "$PAIR_DIR/missing"
expect_says 'there is no folder'
expect 65 replay verify "$PAIR_DIR/empty"
expect_says 'there is no store in'
expect_same "" "$(ls -A "$PAIR_DIR/empty")" "the empty folder"
expect 65 replay verify "$PAIR_DIR/A.conf"
expect_says 'is no folder'
head -c 100000 /dev/urandom >"$PAIR_DIR/foreign/data.mdb"
expect 65 replay verify "$PAIR_DIR/foreign"
head -c $(($(stat -c %s "$PAIR_DIR/B/data.mdb") / 8)) "$PAIR_DIR/B/data.mdb" >"$PAIR_DIR/cut/data.mdb"
status=0 # by where the cut is: nothing can be read any more, or some records
OUT=$(replay verify "$PAIR_DIR/cut" 2>&1) || status=$?
[ "$status" = 1 ] || [ "$status" = 65 ] || fail "exit code $status of a folder that was cut off"
expect_says 'cut off or damaged|is missing, or its page is damaged|the store in .* is damaged'
expect 65 replay account "$PAIR_DIR/B" nobody
expect_says 'no candidate with the admission number nobody'
expect 2 replay verify "$PAIR_DIR/B" "$PAIR_DIR/B"
expect 2 replay at "$PAIR_DIR/B" yesterday
expect 2 replay
cp "$PAIR_DIR/B/data.mdb" "$PAIR_DIR/rotten"
expect 0 replay verify "$PAIR_DIR/rotten" # a copy of the data file is enough
sed -i 's/a fire alarm/a five alarm/g' "$PAIR_DIR/rotten/data.mdb"
expect 1 replay verify "$PAIR_DIR/rotten"
# The pause, or before it the signature of the person who asked for it.
expect_says "^WRONG .*record $(replay timeline "$PAIR_DIR/B" --json --kind decision |
    jq -s '(map(.event.paused != null) | index(true)) as $i |
        if $i > 0 and .[$i - 1].event.command_signed then .[$i - 1].lsn else .[$i].lsn end') is not what was written"
expect 1 replay account "$PAIR_DIR/rotten" "$(roster_cell 5 admission_no)"
expect 1 replay report "$PAIR_DIR/rotten" -o "$PAIR_DIR/none.html"
expect_says 'a page tells only what is proven'
expect 65 replay report "$PAIR_DIR/events.csv"
expect_says 'is no folder'
[ ! -e "$PAIR_DIR/none.html" ] || fail "a report of a changed folder was written"
pass "wrong folders, folders in use, cut-off and changed ones are named"

# What is left of a changed and of a cut-off folder; the other server's has what is missing.
expect 1 replay salvage "$PAIR_DIR/rotten" -o "$PAIR_DIR/salvaged"
expect_says '^Proven    records 1 to '
expect_says '^Fragment .* are proven by the signature of server [AB], .* \(signatures not checked: --roster\)'
expect 0 replay verify "$PAIR_DIR/salvaged"
expect 1 replay salvage "$PAIR_DIR/rotten" -o "$PAIR_DIR/signed" --roster "$PAIR_KEYS/roster" --authority "$PAIR_KEYS/people/$EXAMCTL_WHO.key"
expect_says '^Fragment .* are proven by the signature of server [AB], [0-9: .-]*, on the last of them; what the first says is not'
! grep -q 'no server of this site has signed' <<<"$OUT" || fail "true checkpoints were taken for forged"
grep -q '"proven_by_signature":true' "$PAIR_DIR/signed/fragments.jsonl" || fail "no record of a fragment is proven by a signature"
expect 0 replay salvage "$PAIR_DIR/cut" "$PAIR_DIR/B" -o "$PAIR_DIR/whole"
expect 0 replay verify "$PAIR_DIR/whole" "$PAIR_DIR/B"
expect_says '^SAME '
expect_same "" "$(english_left salvage "$PAIR_DIR/rotten" -o "$PAIR_DIR/chinese")" "English in the statement"
expect 65 replay salvage "$PAIR_DIR/foreign" -o "$PAIR_DIR/nothing"
expect_says 'no record of a log is in'
[ ! -e "$PAIR_DIR/nothing" ] || fail "something was salvaged of nothing"
pass "what can be proved is salvaged"
