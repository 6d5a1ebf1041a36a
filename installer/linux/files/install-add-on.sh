#!/bin/sh
# Runs inside the unpacked .run of an add-on: puts it beside SXT Studio in the home folder, without root.
set -eu
. "$(dirname "$0")/put.sh"
name="$(cat "$here/NAME")"
folder="$prefix/lib/$name"
put "$folder" "$name" "$name"
echo "$name is installed in $folder."
if [ ! -e "$prefix/lib/sxtstudio" ] && [ ! -e /opt/sxtstudio ]; then
  echo "SXT Studio itself is not there yet: install it as well."
fi
echo "To remove it: $folder/uninstall.sh"
