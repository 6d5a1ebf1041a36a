#!/bin/sh
# Runs inside the unpacked .run: puts SXT Studio into the home folder of whoever started it, without root.
set -eu
prefix="${SXTSTUDIO_PREFIX:-$HOME/.local}"
program="$prefix/lib/sxtstudio"
here="$(cd "$(dirname "$0")" && pwd)"

case "$prefix" in /*) ;; *) echo "SXTSTUDIO_PREFIX must begin with /: $prefix" >&2; exit 2 ;; esac
needed=$(du -sk "$here" | cut -f1)
mkdir -p "$prefix/lib" "$prefix/bin" "$prefix/share"
free=$(df -Pk "$prefix/lib" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt $((needed + 102400)) ]; then
  echo "The disk is too full: SXT Studio needs $((needed / 1024)) MB in $prefix, $((free / 1024)) MB are free." >&2
  exit 2
fi

# The new one beside the old one, and then in its place: whatever stops this, one of them works.
new="$program.new.$$"
trap 'rm -rf "$new"' EXIT
cp -a "$here/sxtstudio" "$new"
cp -a "$here/uninstall.sh" "$new/uninstall.sh"
rm -rf "$program.old"
if [ -e "$program" ]; then mv "$program" "$program.old"; fi
mv "$new" "$program"
rm -rf "$program.old"

ln -sfn "$program/sxtstudio" "$prefix/bin/sxtstudio"
cp -a "$here/share/." "$prefix/share/"
# A path with spaces is quoted in a desktop entry, and a per cent sign stands twice.
quoted=$(printf '%s' "$program/sxtstudio" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g; s/[&|\\]/\\&/g')
sed -i "s|^Exec=sxtstudio|Exec=\"$quoted\"|" "$prefix/share/applications/sxtstudio.desktop"
for tool in "update-desktop-database $prefix/share/applications" "update-mime-database $prefix/share/mime"; do
  command -v "${tool%% *}" >/dev/null 2>&1 && "${tool%% *}" "${tool#* }" >/dev/null 2>&1 || true
done
echo "SXT Studio is installed in $program."
case ":$PATH:" in *":$prefix/bin:"*) echo "Start it from the menu, or with: sxtstudio" ;;
  *) echo "Start it from the menu, or with: $prefix/bin/sxtstudio" ;; esac
echo "To remove it: $program/uninstall.sh"
