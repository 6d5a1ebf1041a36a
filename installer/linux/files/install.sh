#!/bin/sh
# Runs inside the unpacked .run: puts SXT Studio into the home folder of whoever started it, without root.
set -eu
. "$(dirname "$0")/put.sh"
program="$prefix/lib/sxtstudio"
put "$program" sxtstudio "SXT Studio"

mkdir -p "$prefix/bin" "$prefix/share"
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
# Without its cache the desktop does not know what opens a tomogram.
if ! command -v update-desktop-database >/dev/null 2>&1; then
  echo "A double-click on a tomogram may not open it yet: update-desktop-database is not there."
  echo "It is in the package desktop-file-utils of Debian; have that installed, and run this again."
fi
echo "To remove it: $program/uninstall.sh"
