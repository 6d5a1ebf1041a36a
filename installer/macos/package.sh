#!/bin/bash
# "SXT Studio.app" that PyInstaller made as a disk image, signed and notarised where the secrets are there.
#
#   installer/macos/package.sh FOLDER OUT      FOLDER holds "SXT Studio.app"; on macOS only
#
# Environment, each may be missing:
#   CODESIGN_IDENTITY    "Developer ID Application: …"; bundle.spec signs the program itself with it
#   NOTARY_KEY           file of the App Store Connect key (.p8); with NOTARY_KEY_ID and NOTARY_ISSUER
set -euo pipefail
folder=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../pyproject.toml")
app="$folder/SXT Studio.app"
image="$out/SXTStudio-$version-macos-$(uname -m).dmg"

[ -d "$app" ] || { echo "There is no $app: build it by PyInstaller first (installer/README.md)." >&2; exit 2; }
mkdir -p "$out"
codesign --verify --deep --strict "$app"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R "$app" "$stage/"
ln -s /Applications "$stage/Applications"
rm -f "$image"
hdiutil create -volname "SXT Studio $version" -srcfolder "$stage" -fs HFS+ -format UDZO -quiet "$image"

if [ -n "${CODESIGN_IDENTITY:-}" ]; then
  codesign --sign "$CODESIGN_IDENTITY" --timestamp "$image"
else
  echo "Not signed by a known developer: there is no CODESIGN_IDENTITY. Gatekeeper will stop it." >&2
fi
if [ -n "${NOTARY_KEY:-}" ]; then
  xcrun notarytool submit "$image" --key "$NOTARY_KEY" --key-id "$NOTARY_KEY_ID" --issuer "$NOTARY_ISSUER" --wait
  xcrun stapler staple "$image"
  xcrun stapler validate "$image"
else
  echo "Not notarised: there is no NOTARY_KEY." >&2
fi
echo "$image"
