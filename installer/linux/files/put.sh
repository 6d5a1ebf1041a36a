# Read by install.sh of the program and of its add-ons: where to, what a killed one left, and put FOLDER NAME TITLE.
prefix="${SXTSTUDIO_PREFIX:-$HOME/.local}"
here="$(cd "$(dirname "$0")" && pwd)"
case "$prefix" in /*) ;; *) echo "SXTSTUDIO_PREFIX must begin with /: $prefix" >&2; exit 2 ;; esac

# A .run that was killed while it unpacked leaves sxtstudio-setup.PID.NUMBER; the one that runs now is alive.
for left in "${TMPDIR:-/tmp}"/sxtstudio-setup.*.*; do
  if [ -d "$left" ] && [ ! -L "$left" ] && [ -O "$left" ]; then
    pid="${left##*/sxtstudio-setup.}"
    kill -0 "${pid%%.*}" 2>/dev/null || rm -rf "$left"
  fi
done

# Puts $here/NAME into FOLDER: the new one beside the old one, and then in its place; whatever stops it, one works.
put() {
  needed=$(du -sk "$here/$2" | cut -f1)
  mkdir -p "$prefix/lib"
  free=$(df -Pk "$prefix/lib" | awk 'NR == 2 { print $4 }')
  if [ "$free" -lt $((needed + 102400)) ]; then
    echo "The disk is too full: $3 needs $((needed / 1024)) MB in $prefix, $((free / 1024)) MB are free." >&2
    exit 2
  fi
  new="$1.new.$$"
  trap 'rm -rf "$new"' EXIT
  # Those of installations that were killed.
  for left in "$1".new.*; do
    if [ -d "$left" ] && ! kill -0 "${left##*.new.}" 2>/dev/null; then rm -rf "$left"; fi
  done
  cp -a "$here/$2" "$new"
  cp -a "$here/uninstall.sh" "$new/uninstall.sh"
  rm -rf "$1.old"
  if [ -e "$1" ]; then mv "$1" "$1.old"; fi
  mv "$new" "$1"
  rm -rf "$1.old"
}
