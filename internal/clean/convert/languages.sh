#!/bin/sh
# Brings the pinned wheel and converts its n-grams:
#
#   languages.sh TABLE SHA256
#
# Runs at the root of the checkout. Does nothing when TABLE is there with that
# checksum and its licence beside it; what has another one is made again.
set -eu

table=$1
sum=$2
licence=$(dirname "$table")/LICENSE
here=internal/clean/convert

same() {
	printf '%s  %s\n' "$sum" "$1" | sha256sum --check --status 2>/dev/null
}

same "$table" && [ -s "$licence" ] && exit 0
wheel=$(tools/wheel "$here/requirements.txt" eld-1.0.6-py3-none-any.whl '5 MB')

echo "make languages: converting to $table"
# The converter runs here, whatever platform the build is for.
made=.cache/languages
mkdir -p "$made"
env -u GOOS -u GOARCH CGO_ENABLED=0 go run "./$here" "$wheel" "$made/ngrams.bin"
same "$made/ngrams.bin" || {
	echo "make languages: $made/ngrams.bin has another checksum than ngrams.mk pins" >&2
	exit 1
}
mv "$made/LICENSE" "$licence"
mv "$made/ngrams.bin" "$table"
