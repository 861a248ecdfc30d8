#!/usr/bin/env bash
# Every message of examreplay is in each catalogue, translated, with the same conversions; and nothing is in a
# catalogue that is no message any more. Usage: test_catalogue.sh SOURCE_FOLDER
set -euo pipefail
cd "$1"
dir=$(mktemp -d "${TMPDIR:-/tmp}/catalogue-XXXXXX")
trap 'rm -rf "$dir"' EXIT

catalogue_check() { # PO POT: prints what is wrong with it
    msgfmt --check-format --check-domain -o /dev/null "$1" || return 1
    msgcmp "$1" "$2" || return 1
    msgcmp --use-untranslated "$2" "$1" || return 1
}

xgettext --from-code=UTF-8 -k_ -kN_ -kP_:1,2 --no-wrap -o "$dir/now.pot" ./*.c ../examctl/sitting_view.c
for po in po/*.po; do
    catalogue_check "$po" "$dir/now.pot"
    printf 'ok: %s has all %d messages\n' "$po" "$(grep -c '^msgid ' "$po")"
done

# The check itself: a message that lacks its translation, one that is not there, and one that breaks a
# conversion are each found.
sed '/^msgid "Incidents"$/{n;s/.*/msgstr ""/}' po/zh_CN.po >"$dir/untranslated.po"
sed '/^msgid "Incidents"$/{N;d}' po/zh_CN.po >"$dir/missing.po"
sed '/^msgid "Report on batch %s"$/{n;s/%s/%d/}' po/zh_CN.po >"$dir/conversion.po"
for wrong in untranslated missing conversion; do
    ! cmp -s "$dir/$wrong.po" po/zh_CN.po || {
        printf 'the test changed nothing for: %s\n' "$wrong" >&2
        exit 1
    }
    if catalogue_check "$dir/$wrong.po" "$dir/now.pot" 2>/dev/null; then
        printf 'not found: %s\n' "$wrong" >&2
        exit 1
    fi
done
printf 'ok: what lacks its translation is found\n'
