#!/usr/bin/env bash
# Builds everything that a release is made of twice, from nothing, in two places and at two times, and compares every file. Needs
# a Docker Engine, and twice the time of a build. It compares what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker buildx version >/dev/null || ! docker info >/dev/null; then
  echo "a Docker Engine with buildx is needed" >&2
  exit 1
fi
# Programs name it: that of now, whatever is committed meanwhile.
revision=$(git rev-parse HEAD)
work=$(mktemp -d "$PWD/.reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT

secret=()
[ ! -s "${CARGO_CONFIG:-}" ] || secret=(--secret "id=cargo,src=$CARGO_CONFIG")
for build in first second; do
  mkdir "$work/$build"
  git archive "$revision" | tar x --touch -C "$work/$build"
  docker buildx build --quiet --no-cache "${secret[@]}" --build-arg "REVISION=$revision" \
    --target release --output "type=local,dest=$work/$build.files" "$work/$build"
  (cd "$work/$build.files" && find . -type f -printf '%m %p\n' | sort -k 2 && find . -type f -print0 | sort -z | xargs -0 sha256sum) \
    >"$work/$build.list"
done

for program in command-service projector query-service syncboard; do
  grep "/$program/$program\$" "$work/first.list" || { echo "$program was not built" >&2; exit 1; }
done
if ! diff "$work/first.list" "$work/second.list"; then
  trap - EXIT
  echo "two builds of the same sources differ: $work has both" >&2
  exit 1
fi
echo "$(find "$work/first.files" -type f | wc -l) files are the same in both builds"
