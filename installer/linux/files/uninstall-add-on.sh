#!/bin/sh
# Removes an add-on of SXT Studio that its .run installed.
set -eu
folder="$(cd "$(dirname "$0")" && pwd -P)"
case "$folder" in */lib/sxtstudio-*) ;; *) echo "$folder is no add-on of SXT Studio." >&2; exit 2 ;; esac
rm -rf "$folder"
echo "${folder##*/} is removed."
