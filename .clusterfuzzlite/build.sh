#!/usr/bin/env bash
# Builds every fuzz target into $OUT, with its seeds, its dictionary and its options, for ClusterFuzzLite.
# It can be run without: SRC is the folder above a copy called package-indexer, and OUT and WORK take any folder.
set -euo pipefail
cd "$SRC/package-indexer"

# As `fuzz/campaign` builds them.
cargo fuzz build --no-trace-compares --target-dir "$WORK/target"
host=$(rustc -vV | sed -n 's/^host: //p')

for file in fuzz/fuzz_targets/*.rs; do
  target=$(basename "$file" .rs)
  cp "$WORK/target/$host/release/$target" "$OUT/"
  seeds=$(sed -n 's/^\/\/! Seeds: \([^ ]*\)\. .*/\1/p' "$file")
  folders=()
  for folder in "$seeds" "fuzz/regressions/$target"; do
    [ ! -d "$folder" ] || folders+=("$folder")
  done
  zip -q -r "$OUT/${target}_seed_corpus.zip" "${folders[@]}"
  cp fuzz/protocol.dict "$OUT/$target.dict"
  {
    printf '[libfuzzer]\ndict = %s.dict\nmax_len = 1024\ntimeout = 60\n' "$target"
    # The last threads of a server may still be ending when the sanitizer looks for what they hold.
    [[ $target != server_* ]] || printf 'detect_leaks = 0\n'
  } >"$OUT/$target.options"
done
