#!/bin/sh
# Runs inside the unpacked .run of an add-on: puts it beside SXT Studio in the home folder, without root.
set -eu
prefix="${SXTSTUDIO_PREFIX:-$HOME/.local}"
here="$(cd "$(dirname "$0")" && pwd)"
name="$(cat "$here/NAME")"
folder="$prefix/lib/$name"

case "$prefix" in /*) ;; *) echo "SXTSTUDIO_PREFIX must begin with /: $prefix" >&2; exit 2 ;; esac
needed=$(du -sk "$here/$name" | cut -f1)
mkdir -p "$prefix/lib"
free=$(df -Pk "$prefix/lib" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt $((needed + 102400)) ]; then
  echo "The disk is too full: $name needs $((needed / 1024)) MB in $prefix, $((free / 1024)) MB are free." >&2
  exit 2
fi

# The new one beside the old one, and then in its place: whatever stops this, one of them works.
new="$folder.new.$$"
trap 'rm -rf "$new"' EXIT
cp -a "$here/$name" "$new"
cp -a "$here/uninstall.sh" "$new/uninstall.sh"
rm -rf "$folder.old"
if [ -e "$folder" ]; then mv "$folder" "$folder.old"; fi
mv "$new" "$folder"
rm -rf "$folder.old"
echo "$name is installed in $folder."
if [ ! -e "$prefix/lib/sxtstudio" ] && [ ! -e /opt/sxtstudio ]; then
  echo "SXT Studio itself is not there yet: install it as well."
fi
echo "To remove it: $folder/uninstall.sh"
