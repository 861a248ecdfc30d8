#!/usr/bin/env bash
# Sealed packages on a real pair (P2): made by the exam office, looked at, imported with a second person. What
# was cut off, changed, is another site's, or was signed by a revoked key, is refused, and nothing of it comes in.
# Nothing of the content is written in the clear by the tool, lies in a file of a node or a seat, or is in a
# seat's memory, before the batch starts; after the start the same search finds the paper in that memory.
# Usage: test_package.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"

package_make() { # PERSON KEYS FILE OPTION...
    local person=$1 keys=$2 file=$3
    shift 3
    "$PAIR_BIN/examctl" package make --key-file "$keys/people/$person.key" --key-roster "$keys/roster" -o "$file" \
        --rooms "$PAIR_DIR/site/rooms.csv" --roster "$PAIR_DIR/site/roster.csv" --paper "$PAIR_DIR/site/paper.json" \
        --package-password-file "$PAIR_DIR/password" "$@"
}

inspect() { # FILE OPTION...
    "$PAIR_BIN/examctl" package inspect "$@"
}

package_import() { # FILE OPTION...
    local file=$1
    shift
    ctl import --package "$file" --package-password-file "$PAIR_DIR/password" "$@"
}

# Not imported, with this text and exit code; neither node has heard of a batch or a proposal.
refused() { # CODE TEXT FILE OPTION...
    local code=$1 text=$2
    shift 2
    expect "$code" package_import "$@"
    expect_says "$text"
    expect_says 'nothing was imported'
    expect_same "$UNTOUCHED" "$(state_digest)" "the state after a package that was refused"
    expect 0 ctl proposals
    expect_says 'nothing waits'
}

# Of the texts of the paper, how many are in the memory that a process can write. (What is larger than a
# gibibyte is a sanitizer's own.)
texts_in_memory() { # PID
    local range start end
    awk '$2 ~ /^rw/ { print $1 }' "/proc/$1/maps" | while read -r range; do
        start=$((16#${range%-*})) end=$((16#${range#*-}))
        [ $((end - start)) -le $((1 << 30)) ] || continue
        dd if="/proc/$1/mem" bs=1M iflag=skip_bytes,count_bytes skip=$start count=$((end - start)) status=none 2>/dev/null || true
    done | { LC_ALL=C grep -aoFf "$PAIR_DIR/texts" || true; } | sort -u | wc -l
}

live_begin "$1"
make_site 1
words_make names ids texts
cat "$PAIR_DIR"/{names,ids,texts} >"$PAIR_DIR/words"
(umask 077 && echo 'correct horse battery' >"$PAIR_DIR/password" && echo 'wrong horse battery' >"$PAIR_DIR/wrong")
expect 0 site issue person li --no-password
expect 0 site issue person wu --role office --no-password
expect 0 site issue person sun --role office --no-password
OTHER=$PAIR_DIR/other
"$PAIR_BIN/examctl" site init --keys "$OTHER" --rooms "$PAIR_ROOMS" --node A --person operator --no-password --no-seat-keys >/dev/null
"$PAIR_BIN/examctl" site issue person wu --role office --no-password --keys "$OTHER" >/dev/null

# --- made, and looked at

GOOD=$PAIR_DIR/B1.package
expect 1 package_make operator "$PAIR_KEYS" "$GOOD" --batch B1
expect_says 'operator is no key of the exam office'
[ ! -e "$GOOD" ] || fail "a package that nobody would take was made"
expect 0 package_make wu "$PAIR_KEYS" "$GOOD" --batch B1 --title 'Electricians' --allot 45:00
expect_says 'batch B1, .* 1 papers, 40 candidates, signed by wu'
[ "$(stat -c %a "$GOOD")" = 600 ] || fail "others may read the package"
[ -z "$(found_in words "$GOOD" || true)" ] || fail "the package shows its content"
expect 0 inspect "$GOOD"
expect_says 'good, of wu, exam office of this site'
expect 0 inspect "$GOOD" --json
jq -e '.batch == "B1" and .who == "wu" and .good and .signer_known and (has("content") | not)' <<<"$OUT" >/dev/null ||
    fail "inspect --json says something else"
expect 0 inspect "$GOOD" --package-password-file "$PAIR_DIR/password" --json
jq -e '.content | .title == "Electricians" and .candidates == 40 and (.members | length) == 4' <<<"$OUT" >/dev/null ||
    fail "inspect --json counts something else"
[ -z "$(grep -oFf "$PAIR_DIR/words" <<<"$OUT" || true)" ] || fail "inspect shows the content"
pass "the exam office makes a package, and inspect shows whose it is, how much there is, and no more"

# --- what is refused

pair_configure
for name in A B; do
    printf 'two-person = {"import"}\n' >>"$PAIR_DIR/$name.conf"
done
node_start A
node_start B
expect 0 ctl found --site live
wait_until 30 "the standby joins" pair_is_dual
UNTOUCHED=$(state_digest)
bad() { cp "$GOOD" "$PAIR_DIR/bad"; }

bad && truncate -s -1 "$PAIR_DIR/bad"
refused 65 'cut off, or changed, after it was signed' "$PAIR_DIR/bad"
bad && truncate -s 300 "$PAIR_DIR/bad"
refused 65 'no sealed package, or its beginning is lost' "$PAIR_DIR/bad"
bad && printf 'x' | dd of="$PAIR_DIR/bad" bs=1 seek=3000 conv=notrunc status=none
refused 65 'cut off, or changed, after it was signed' "$PAIR_DIR/bad"
expect 65 inspect "$PAIR_DIR/bad"
expect_says 'NOT GOOD'
bad && sed -i '1s/"who": "wu"/"who": "li"/' "$PAIR_DIR/bad"
refused 65 "li has made it, and the key is wu's" "$PAIR_DIR/bad"
truncate -s 600M "$PAIR_DIR/bad"
refused 65 'larger than any package' "$PAIR_DIR/bad"
expect 0 package_make wu "$OTHER" "$PAIR_DIR/bad" --batch B1
refused 65 'for another site' "$PAIR_DIR/bad"
expect 0 package_make sun "$PAIR_KEYS" "$PAIR_DIR/bad" --batch B1
expect 0 site revoke person sun
roster_taken
refused 65 'signed by sun with a key that was revoked' "$PAIR_DIR/bad"
refused 65 'it is of batch B1, and not of B2' "$GOOD" --batch B2
refused 1 'not its password' "$GOOD" --package-password-file "$PAIR_DIR/wrong"
expect 2 env -u EXAMCTL_KEY_FILE -u EXAMCTL_KEY_ROSTER "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" import --package "$GOOD"
expect_says "held against the site's roster"
expect 2 package_import "$GOOD" --title 'Another'
pass "cut off, changed, too large, another site's, of a revoked key, another batch's, not its password: nothing comes in"

# --- imported

trace=()
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    trace=(strace -f -e trace=open,openat,creat,mknod,mknodat,memfd_create -o "$PAIR_DIR/opened")
fi
expect 3 env ASAN_OPTIONS=detect_leaks=0 "${trace[@]}" "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" import --package "$GOOD" \
    --package-password-file "$PAIR_DIR/password"
number=$(proposal)
if [ ${#trace[@]} -gt 0 ]; then
    grep -q 'B1.package' "$PAIR_DIR/opened" || fail "the trace does not show what was opened"
    ! grep -E 'O_WRONLY|O_RDWR|O_CREAT|creat\(|mknod|memfd' "$PAIR_DIR/opened" || fail "the import opens a file for writing"
fi
expect 0 ctl proposals
expect_says 'the import of batch B1 .*: 40 candidates'
expect 1 ctl confirm "$number" --yes
expect 0 "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" --key-file "$PAIR_KEYS/people/li.key" confirm "$number" --yes
expect_says 'batch B1 imported: 40 sittings'
[ "$(batch_field B1 title)" = Electricians ] || fail "the title is not the package's"
[ "$(batch_field B1 allot_ms)" = 2700000 ] || fail "the time to answer is not the package's"
pass "with the password, and a second person, all of it comes in; nothing is written on the way"

# --- before the start, and after it

mkdir "$PAIR_DIR/seat"
"$PAIR_BIN/minimal_seat" "$SEAT_NODES" "$(roster_cell 1 seat)" "$(roster_cell 1 admission_no)" "$(roster_cell 1 id_no)" \
    "$PAIR_DIR/seat" 1000 "$PAIR_KEYS/seats/R01/$(roster_cell 1 seat).key" "$PAIR_KEYS/roster" >"$PAIR_DIR/seat.log" 2>&1 &
SIM_PID=$!
wait_until 30 "the candidate is signed in" grep -q 'candidate:' "$PAIR_DIR/seat.log"
node_kill B TERM
node_start B
wait_until 30 "B is back" pair_is_dual
[ -z "$(found_in words "$PAIR_DIR"/{A,B,A.log,B.log} || true)" ] || fail "the content is in a file of a node"
[ -z "$(found_in texts "$PAIR_DIR"/{seat,seat.log} || true)" ] || fail "the paper is in a file of the seat"
before=$(texts_in_memory "$SIM_PID")
expect 0 ctl batch start B1
wait_until 30 "the paper is there" grep -q 'paper: [0-9]* bytes' "$PAIR_DIR/seat.log"
after=$(texts_in_memory "$SIM_PID")
[ "$after" = "$(wc -l <"$PAIR_DIR/texts")" ] || fail "the search finds $after texts in the memory of a seat that has the paper"
[ "$before" = 0 ] || fail "$before texts are in the memory of a seat before the start"
kill -KILL "$SIM_PID"
wait "$SIM_PID" 2>/dev/null || true
SIM_PID=
pass "before the start no file and no seat's memory has the paper; after it, the seat has it"
