#!/bin/sh
# The command line of examdrill: exit codes, where errors go, several files, --json.
# Usage: test_command.sh EXAMDRILL
set -u
drill=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

site='nodes A
batch B1 allot 60:00
room R1 seats 1
sitting 1001 batch B1 seat R1-01
0:00 start B1
0:00 sign-in 1001'
printf '%s\n1:00 expect sitting 1001 used 1:00\n' "$site" >"$folder/good"
printf '%s\n1:00 expect sitting 1001 used 1:01\n' "$site" >"$folder/wrong"
printf '%s\n1:00 fly\n' "$site" >"$folder/unreadable"
printf '%s\n1:00 battery-low A\n1:00 expect node B role primary epoch 2\n' \
    "$(printf '%s\n' "$site" | sed 's/nodes A/nodes A B/')" >"$folder/handed"

# check WHAT WANTED-EXIT-CODE WANTED-TEXT ARGUMENTS...: WANTED-TEXT is in what it prints
check() {
    what=$1 code=$2 text=$3
    shift 3
    out=$("$drill" "$@" 2>&1)
    found=$?
    if [ "$found" != "$code" ] || ! printf '%s\n' "$out" | grep -qF -- "$text"; then
        printf '%s: wanted %s and "%s", found %s and\n%s\n' "$what" "$code" "$text" "$found" "$out"
        failed=1
    fi
}

check 'all hold' 0 '1 passed, 0 failed' "$folder/good"
check 'one does not' 1 'wrong:7: expect sitting 1001 used 1:01' "$folder/wrong"
check 'what is found' 1 'used 1:00 left 59:00 lost 0:00 state answering' "$folder/wrong"
check 'several files' 1 '1 passed, 1 failed' "$folder/good" "$folder/wrong"
check 'unreadable' 65 "$folder/unreadable:7: 'fly' is no statement" "$folder/unreadable"
check 'no such file' 65 "$folder/none: cannot be read: No such file" "$folder/none"
check 'a folder' 65 "$folder: cannot be read: Is a directory" "$folder"
check 'no file' 2 'Give at least one FILE' --json
check 'unknown option' 2 'unrecognized option' --loud "$folder/good"
check 'help' 0 'grant SITTING|ROOM|BATCH [-]DURATION WHY' --help
check 'trace' 0 'sign-in 1001' --trace "$folder/good"
check 'who handed over, and why (W4)' 0 \
    'epoch 2 (switchover), by A: its battery is low (W4)' --trace "$folder/handed"
check 'only read' 0 '' --check "$folder/wrong"

# Nothing runs when one file of several cannot be read.
if "$drill" "$folder/good" "$folder/unreadable" 2>/dev/null | grep -q passed; then
    echo 'something was played although a drill could not be read'
    failed=1
fi
# With --json standard output is one JSON document.
if ! "$drill" --json --trace "$folder/good" "$folder/wrong" 2>/dev/null | tr -d ' \n' |
    grep -q '^{"passed":1,"failed":1,"drills":\[{.*}\]}$'; then
    echo '--json did not print one document'
    failed=1
fi
exit $failed
