#!/bin/sh
# Removes what the .run installed; projects, settings and models of the user's own stay.
set -eu
program="$(cd "$(dirname "$0")" && pwd -P)"
case "$program" in */lib/sxtstudio) ;; *) echo "$program is not the folder of SXT Studio." >&2; exit 2 ;; esac
prefix="${program%/lib/sxtstudio}"
if [ "$(readlink "$prefix/bin/sxtstudio" 2>/dev/null)" = "$program/sxtstudio" ]; then
  rm -f "$prefix/bin/sxtstudio"
fi
rm -f "$prefix/share/applications/sxtstudio.desktop" "$prefix/share/mime/packages/sxtstudio.xml" \
  "$prefix/share/icons/hicolor/scalable/apps/sxtstudio.svg"
for tool in "update-desktop-database $prefix/share/applications" "update-mime-database $prefix/share/mime"; do
  command -v "${tool%% *}" >/dev/null 2>&1 && "${tool%% *}" "${tool#* }" >/dev/null 2>&1 || true
done
# Add-ons are of no use without it.
for add_on in "$program"-retrain "$program"-cuda; do
  if [ -x "$add_on/uninstall.sh" ]; then "$add_on/uninstall.sh"; fi
done
rm -rf "$program"
echo "SXT Studio is removed. Your projects, settings and own models are where they were."
