#!/bin/sh
# The command line of examsim: exit codes, one seed again, a part of its plan, JSON.
# Usage: test_command.sh EXAMSIM
set -u
sim=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# check WHAT WANTED-EXIT-CODE WANTED-TEXT ARGUMENTS...: WANTED-TEXT is in what it prints
check() {
    what=$1 code=$2 text=$3
    shift 3
    out=$("$sim" --out "$folder" "$@" 2>&1)
    found=$?
    if [ "$found" != "$code" ] || ! printf '%s\n' "$out" | grep -qF -- "$text"; then
        printf '%s: wanted %s and "%s", found %s and\n%s\n' "$what" "$code" "$text" "$found" "$out"
        failed=1
    fi
}

check 'one seed' 0 'seed 1: nothing is broken' --seed 1
check 'its plan' 0 'is to start' --seed 1 --plan
check 'told' 0 'everything is repaired' --seed 1 --trace
check 'a part of it' 0 'seed 1: nothing is broken' --seed 1 --only 0,2-4 --until 9000
check 'many' 0 '12 histories, 0 broken' --seeds 1..12
check 'as JSON' 0 '"broken": 0' --seeds 1..3 --json
check 'a fault that never was' 1 'no history has met this fault' --seeds 1..1 --require-faults
check 'families' 0 'wrong-promotions' --without list
check 'without a family' 0 'nothing is broken' --seed 1 --without node-deaths,rots
check 'no such family' 2 'no such family' --seed 1 --without locusts
check 'no seed' 2 'give either --seed N or --seeds A..B'
check 'both' 2 'give either --seed N or --seeds A..B' --seed 1 --seeds 1..2
check 'backwards' 2 'seeds are written A..B' --seeds 2..1
check 'no number' 2 'a whole number' --seed one
check 'a trace of many' 2 'go with --seed' --seeds 1..2 --trace
check 'bad acts' 2 'acts are written' --seed 1 --only 3-1
check 'unknown option' 2 'unrecognized option' --loud

first=$("$sim" --seed 5)
again=$("$sim" --seed 5)
if [ -z "$first" ] || [ "$first" != "$again" ]; then
    printf 'the same seed gave\n%s\nand\n%s\n' "$first" "$again"
    failed=1
fi
exit $failed
