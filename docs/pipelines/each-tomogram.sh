#!/bin/sh
# Each tomogram of a folder, from the labels to a table, with nothing but a shell:
#
#     sh each-tomogram.sh INCOMING RESULTS [more options of 'sxtstudio segment']
#
# Started again it goes on: what is complete is left out, an interrupted segmentation resumes. It ends with 0 if
# all are done, 2 if some failed (listed in RESULTS/failed.txt), 1 if the program has an error, 130 if cancelled.
set -u
incoming=$1 results=$2
shift 2
program=${SXTSTUDIO:-sxtstudio}
mkdir -p "$results" || exit 2
: > "$results/failed.txt"
ended=0

# Runs a step: goes on at 0, ends all at 1 (an error of the program) and 130 (cancelled), else takes the next file.
step() {
  "$program" "$@" --json-lines > "$log" 2>> "$results/messages.txt"
  code=$?
  case $code in
    0) ;;
    1 | 130) exit $code ;;
    *)
      # The last line of the log is the error, as JSON.
      printf '%s\t%s\t%s\n' "$tomogram" "$code" "$(tail -n 1 "$log")" >> "$results/failed.txt"
      ended=2
      ;;
  esac
  return $code
}

for tomogram in "$incoming"/*.mrc "$incoming"/*.rec; do
  [ -f "$tomogram" ] || continue
  name=$(basename "${tomogram%.*}")
  # Beside cell.mrc, cell.rec has results of its own.
  case $tomogram in *.rec) [ -f "${tomogram%.rec}.mrc" ] && name=$name-rec ;; esac
  out=$results/$name log=$results/$name.jsonl
  [ -f "$out.csv" ] && continue
  if [ ! -f "$out.labels.tif" ]; then
    step segment "$tomogram" -o "$out.labels.tif" --report "$out.labels.json" --resume "$@" || continue
  fi
  step objects "$out.labels.tif" -o "$out.objects.tif" --table "$out.flags.csv" || continue
  step measure "$out.objects.tif" -o "$out.csv" --as objects --flags "$out.flags.csv" --image "$tomogram"
done
exit $ended
