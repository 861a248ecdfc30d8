# expect.sh - what live tests say and check. To be sourced after pair.sh, by scripts with
# set -euo pipefail. The first failed expectation ends the test with all logs named.
#
#   live_begin BIN           makes the work folder, and ends everything on every way out
#   expect CODE COMMAND...   runs it; its exit code must be CODE; output (both streams) in $OUT
#   expect_says REGEX        $OUT must match (grep -E)
#   expect_same A B WHAT
#   pass TEXT

OUT=
LIVE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

exec {LIVE_SAID}>&2 # a condition that is waited for says nothing, but why it can never come true

fail() {
    echo "FAILED: $*" >&"$LIVE_SAID"
    [ -z "$OUT" ] || printf '%s\n' "$OUT" | head -n 20 >&"$LIVE_SAID"
    exit 1
}

pass() {
    echo "ok - $*"
}

live_tidy() {
    local code=$?
    trap - EXIT INT TERM HUP
    if declare -F live_tidy_more >/dev/null; then live_tidy_more || true; fi
    if [ -n "${SIM_PID:-}" ]; then
        kill -TERM "$SIM_PID" 2>/dev/null || true
        wait "$SIM_PID" 2>/dev/null || true
    fi
    pair_stop
    if [ $code = 0 ] && [ -n "$PAIR_FAILURES" ]; then
        echo "FAILED:$PAIR_FAILURES" >&2
        code=1
    fi
    if [ $code = 0 ]; then
        rm -rf "$PAIR_DIR"
    elif [ $code != 77 ]; then
        for log in "$PAIR_DIR"/*.log; do
            [ -s "$log" ] && {
                echo "--- end of $log" >&2
                tail -n 15 "$log" >&2
            }
        done
        echo "The work folder is kept: $PAIR_DIR" >&2
    else
        rm -rf "$PAIR_DIR"
    fi
    exit $code
}

live_begin() {
    local dir
    dir=$(mktemp -d "${TMPDIR:-/tmp}/live-XXXXXX")
    pair_init "$(cd "$1" && pwd)" "$dir"
    trap live_tidy EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

expect() {
    local want=$1 got=0
    shift
    OUT=$("$@" 2>&1) || got=$?
    [ "$got" = "$want" ] || fail "exit code $got, not $want: $*"
}

expect_says() {
    grep -Eq -- "$1" <<<"$OUT" || fail "the answer does not say \"$1\""
}

expect_same() {
    [ "$1" = "$2" ] || fail "$3: \"$1\" became \"$2\""
}

# The state of the node that serves: what must not change when something is refused.
state_digest() {
    ctl status --digest --json | jq -er '.nodes[] | select(.role == "primary") | .state_digest'
}

make_site() { # ROOMS: a site of ROOMS x 40 candidates in $PAIR_DIR/site
    "$PAIR_BIN/samplesite" --out "$PAIR_DIR/site" --rooms "$1" >/dev/null
}

import_site() { # BATCH OPTION...
    local batch=$1
    shift
    ctl import --batch "$batch" --rooms "$PAIR_DIR/site/rooms.csv" \
        --roster "$PAIR_DIR/site/roster.csv" --paper "$PAIR_DIR/site/paper.json" "$@"
}

# Columns of one candidate of the roster: roster_cell ROW NAME, rows from 1.
roster_cell() {
    awk -F, -v row="$1" -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
        NR == row + 1 { print $c }' "$PAIR_DIR/site/roster.csv"
}

site() { # ARGS...: of `examctl site`
    "$PAIR_BIN/examctl" site "$@" --keys "$PAIR_KEYS"
}

roster_taken() { # the nodes have the newest one, whose number is then in $version
    local name
    version=$(site show --json 2>/dev/null | jq .version)
    for name in A B; do
        wait_until 10 "$name takes the roster" grep -q "event=roster .*version=$version " "$PAIR_DIR/$name.log"
    done
}

proposal() { # the number in what was told last
    grep -Eo 'examctl confirm [0-9]+' <<<"$OUT" | head -n 1 | grep -Eo '[0-9]+'
}

# Lists of what is personal or secret, one word a line, to be looked for where they must not be: names, ids and
# texts of the site's files; values, which are of an exported result.
words_make() { # LIST...
    local list
    for list in "$@"; do
        case $list in
        names) tail -n +2 "$PAIR_DIR/site/roster.csv" | cut -d, -f3 ;;
        ids) tail -n +2 "$PAIR_DIR/site/roster.csv" | cut -d, -f2 ;;
        texts) jq -r '.. | objects | select(has("kind")) | .text' "$PAIR_DIR/site/paper.json" ;;
        values) awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "value") c = i; next }
            { gsub(/"/, "", $c) } length($c) >= 7 { print $c }' "$PAIR_DIR/answers.csv" ;;
        esac | sort -u >"$PAIR_DIR/$list"
        [ "$(wc -l <"$PAIR_DIR/$list")" -ge 8 ] || fail "there are too few $list to look for"
    done
}

# Of a list of words, those in these files and folders.
found_in() { # LIST PATH...
    local list=$1
    shift
    LC_ALL=C grep -raohFf "$PAIR_DIR/$list" "$@" | sort -u
}

# Starts a pair that is founded and in sync.
pair_up() {
    pair_configure "$@"
    node_start A
    node_start B
    expect 0 ctl found --site live
    wait_until 30 "the standby joins" pair_is_dual
}

# seatsim in the background. Each candidate gives ANSWERS answers, one every THINK_MS; `open`: as many as there
# is time for until seats_end.
seats_begin() { # SEATS ANSWERS|open THINK_MS OPTION...
    local seats=$1 answers=(--answers "$2") think_ms=$3
    [ "$2" != open ] || answers=(--until "$PAIR_DIR/enough")
    shift 3
    mkdir -p "$PAIR_DIR/journals"
    rm -f "$PAIR_DIR/enough"
    : >"$PAIR_DIR/acked.csv"
    "$PAIR_BIN/seatsim" run --nodes "$SEAT_NODES" --roster "$PAIR_DIR/site/roster.csv" \
        --journals "$PAIR_DIR/journals" --seats "$seats" "${answers[@]}" --think-ms "$think_ms" \
        --acked "$PAIR_DIR/acked.csv" --events "$PAIR_DIR/events.jsonl" --accounts "$PAIR_DIR/accounts.csv" \
        --json "$@" --timeout $((240 * WAIT_FACTOR)) >"$PAIR_DIR/seats.json" 2>"$PAIR_DIR/seats.log" &
    SIM_PID=$!
    wait_until 60 "$seats candidates sign in" signed_in_reach "$seats"
}

# A batch is under way (seats_begin), and all together have FIRST times SEATS answers saved.
exam_begin() { # SEATS ANSWERS|open THINK_MS FIRST
    make_site $((($1 + 39) / 40))
    expect 0 import_site B1
    seats_begin "$1" "$2" "$3"
    expect 0 ctl batch start B1
    wait_until 60 "some answers are saved" saved_reach $(($1 * $4))
}

batch_field() { # BATCH FIELD
    ctl batch status "$1" --json 2>/dev/null |
        jq -r "first(.. | objects | select(has(\"$2\"))) | .$2"
}

signed_in_reach() {
    kill -0 "$SIM_PID" 2>/dev/null || fail "seatsim ended early: $(tail -n 3 "$PAIR_DIR/seats.log")"
    [ "$(batch_field "${BATCH:-B1}" signed_in)" -ge "$1" ]
}

saved_reach() { # NUMBER of acknowledged answers
    kill -0 "$SIM_PID" 2>/dev/null || fail "seatsim ended early: $(cat "$PAIR_DIR/seats.json")"
    [ "$(wc -l <"$PAIR_DIR/acked.csv")" -gt "$1" ]
}

# As many answers more as there are SEATS.
answers_go_on() { # WHAT
    local before
    before=$(wc -l <"$PAIR_DIR/acked.csv")
    wait_until 60 "$1" saved_reach $((before + SEATS))
}

# Waits for the seats to submit; their own checks must hold.
seats_end() {
    local code=0
    touch "$PAIR_DIR/enough"
    wait "$SIM_PID" || code=$?
    SIM_PID=
    OUT=$(cat "$PAIR_DIR/seats.json" "$PAIR_DIR/seats.log")
    [ $code = 0 ] || fail "seatsim ended with $code"
}

seats_figure() { # NAME
    jq -r ".$1" "$PAIR_DIR/seats.json"
}

# Collects, exports, and compares with every acknowledged answer, and with what the seats reckon of every
# account.
result_check() { # BATCH
    expect 0 ctl batch collect "$1" --unfinished --yes
    expect 0 ctl results "$1" --answers -o "$PAIR_DIR/answers.csv"
    expect 0 ctl results "$1" -o "$PAIR_DIR/results.csv"
    expect 0 "$PAIR_BIN/seatsim" check --acked "$PAIR_DIR/acked.csv" --results "$PAIR_DIR/answers.csv" \
        --accounts "$PAIR_DIR/accounts.csv" --totals "$PAIR_DIR/results.csv"
}

# T14: the interruptions of every candidate of the run sum up to the lost time. After result_check.
interruptions_check() {
    local admission_no
    tail -n +2 "$PAIR_DIR/accounts.csv" | cut -d, -f1 | while read -r admission_no; do
        ctl sitting show "$admission_no" --json
    done >"$PAIR_DIR/sittings.json"
    expect 0 "$PAIR_BIN/seatsim" check --accounts "$PAIR_DIR/accounts.csv" --totals "$PAIR_DIR/results.csv" \
        --interruptions "$PAIR_DIR/sittings.json"
}

# A line of the seats' events: event_seen NAME [SEAT]
event_seen() {
    kill -0 "$SIM_PID" 2>/dev/null || fail "seatsim ended early: $(cat "$PAIR_DIR/seats.json")"
    grep -q "\"event\":\"$1\",\"seat\":\"${2:-}" "$PAIR_DIR/events.jsonl"
}

locks_n() { # how many screens have locked since the seats began
    grep -c '"event":"locked"' "$PAIR_DIR/events.jsonl" || true
}

locks_reach() {
    kill -0 "$SIM_PID" 2>/dev/null || fail "seatsim ended early: $(cat "$PAIR_DIR/seats.json")"
    [ "$(locks_n)" -ge "$1" ]
}

nodes_agree() {
    ctl status --digest --json 2>/dev/null |
        jq -e '.nodes | length == 2 and all(.reachable) and .[0].hash == .[1].hash and
               .[0].state_digest == .[1].state_digest and (.[0].state_digest | length) == 64' >/dev/null
}
