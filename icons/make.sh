#!/bin/sh
# Draws every icon size from the three SVG sources beside this script. The results are committed,
# so that building Wherry needs none of these tools; run this after changing a drawing.
# Debian: librsvg2-bin (rsvg-convert), imagemagick (convert), icnsutils (png2icns).
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

draw() { # size, file: small sizes have a drawing of their own
    if [ "$1" -le 32 ]; then source=wherry-small.svg; else source=wherry.svg; fi
    rsvg-convert --width "$1" --height "$1" "$source" --output "$2"
}

for size in 16 24 32 48 64 128 256 512; do draw "$size" "$work/$size.png"; done

cp "$work/32.png" 32x32.png
cp "$work/128.png" 128x128.png
cp "$work/256.png" 128x128@2x.png
cp "$work/512.png" icon.png
convert "$work/16.png" "$work/24.png" "$work/32.png" "$work/48.png" "$work/64.png" \
    "$work/256.png" icon.ico
# png2icns knows no 64 px image.
png2icns icon.icns "$work/16.png" "$work/32.png" "$work/128.png" "$work/256.png" "$work/512.png" \
    >"$work/icns.log"
