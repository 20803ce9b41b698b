#!/usr/bin/env bash
# Makes all that a release has for one target, in a folder:
#
#   packages/release.sh [--target TRIPLE] [--quick] [--tag vX.Y.Z] FOLDER
#
# It builds from what `cargo package` packs, so that the crate is whole, and takes manual and completions from the
# program that was built. The release workflow calls it, and .ci/packages tries what it makes. With --tag the work
# tree has to be clean, CHANGELOG.md to have that version, and nothing is left out. With --quick the program is
# compiled as for the tests, not optimised.
set -euo pipefail
cd "$(dirname "$0")/.."

target='' profile=release tag='' out=''
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=$2; shift 2 ;;
    --quick) profile=dev; shift ;;
    --tag) tag=$2; shift 2 ;;
    *) out=$1; shift ;;
  esac
done
[ -n "$out" ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }

fail() { echo "release.sh: $*" >&2; exit 1; }
say() { printf -- '--- %s\n' "$*"; }

# musl, where rustup has it: one file that runs on any Linux. Else the C library of this machine, linked in.
machine=$(uname -m)
if [ -z "$target" ]; then
  target=$machine-unknown-linux-musl
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ] && ! rustup target add "$target" >/dev/null 2>&1; then
    target=$machine-unknown-linux-gnu
    say "rustup does not give $machine-unknown-linux-musl: glibc, linked in"
  fi
fi
case $target in
  "$machine"-*) ;;
  *) fail "$target has to be made on such a machine: what it prints goes into the packages" ;;
esac
variable=${target//-/_}
case $target in
  *-musl) export "CC_$variable=$(command -v musl-gcc || echo cc)" ;;
  *-gnu) export "CARGO_TARGET_${variable^^}_RUSTFLAGS=-C target-feature=+crt-static" ;;
esac

if [ $profile = dev ]; then
  [ -z "$tag" ] || fail "a release is not made quickly"
  export CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_DEV_STRIP=symbols
fi

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
built=$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
name=unreel-$version-$target
# The same files of the same commit, whenever they are made.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
# What goes into the packages, where cargo-deb looks for it.
staged=$out/staged/$target/release
binary=$staged/unreel made=$staged/made
mkdir -p "$made"/{doc,man,man1,completions}

check_tag() {
  [ "$tag" = "v$version" ] || fail "the tag is $tag, and Cargo.toml has $version"
  grep -q "^## \[$version\] - 20" CHANGELOG.md || fail "CHANGELOG.md has no section '## [$version] - DATE'"
  grep -q '^repository = "https://' Cargo.toml || fail "Cargo.toml has no repository, where cargo binstall looks"
}

# What is packed is what is compiled, and what says of it what it is.
check_list() {
  local more
  more=$(cargo package --list --locked --allow-dirty 2>/dev/null |
    grep -vE '^(src/.*\.(rs|html|css|js)|examples/decrypt\.rs|build\.rs|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json|(README|CHANGELOG|SECURITY)\.md|LICENSE)$' || true)
  [ -z "$more" ] || fail "the crate has more than it needs: $more"
}

# The crate, and the program from it. (cargo says which tests are not in it; nothing else is to be said.)
build() {
  local dirty=--allow-dirty said
  [ -z "$tag" ] || dirty=
  said=$(cargo package --locked --no-verify $dirty 2>&1) || fail "$said"
  ! grep -E '^(warning|error)' <<<"$said" | grep -vE '^warning: ignoring (test|benchmark|example) ' || fail "cargo package warns"
  tar -xzf "$built/package/unreel-$version.crate" -C "$out"
  mv "$out/unreel-$version" "$out/source"
  cargo build --locked --manifest-path "$out/source/Cargo.toml" --target-dir "$built" --target "$target" --profile "$profile"
  cp "$built/$target/${profile/#dev/debug}/unreel" "$binary"
  rm -rf "$out/source"
  ! readelf -lW "$binary" | grep -q INTERP || fail "the program is not static"
}

changelog() {
  gzip -9nc CHANGELOG.md >"$made/doc/changelog.gz"
  printf 'unreel (%s-1) unstable; urgency=medium\n\n  * What is new is in changelog.gz, beside this file.\n\n -- %s  %s\n' "$version" \
    "$(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)" "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$made/doc/changelog.Debian.gz"
}

# What the program says of itself, and whose code is in it.
describe() {
  "$binary" man -d "$made/man"
  for page in "$made"/man/*.1; do gzip -9nc "$page" >"$made/man1/${page##*/}.gz"; done
  "$binary" completions bash >"$made/completions/unreel.bash"
  "$binary" completions zsh >"$made/completions/_unreel"
  "$binary" completions fish >"$made/completions/unreel.fish"
  "$binary" completions powershell >"$made/completions/_unreel.ps1"
  "$binary" completions elvish >"$made/completions/unreel.elv"
  packages/licenses.py "$target" >"$made/doc/THIRD-PARTY.txt"
}

archive() {
  local folder=$staged/$name
  mkdir "$folder"
  install -m 755 "$binary" "$folder/"
  cp -r README.md LICENSE CHANGELOG.md SECURITY.md "$made"/{doc/THIRD-PARTY.txt,man,completions} "$folder/"
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    -C "${folder%/*}" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
  # `cargo binstall` asks for this name.
  local asked
  asked=$(sed -n 's/^pkg-url = ".*\/\(.*\)"$/\1/p' Cargo.toml | sed "s/{ name }/unreel/; s/{ version }/$version/; s/{ target }/$target/")
  [ -f "$out/$asked" ] || fail "cargo binstall would ask for $asked"
}

debian() {
  CARGO_TARGET_DIR=$out/staged cargo deb --locked --no-build --no-strip --quiet --target "$target" -o "$out/" >/dev/null
}

bill_of_materials() {
  if cargo cyclonedx --version >/dev/null 2>&1; then
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --target "$target" --override-filename "$name.cdx"
    mv "$name.cdx.json" "$out/"
  elif [ -n "$tag" ]; then
    fail "there is no cargo-cyclonedx"
  else
    say "no bill of materials: there is no cargo-cyclonedx"
  fi
}

# The context of packages/Containerfile.
image() {
  local root=$out/image/root
  install -D -m 755 "$binary" "$root/usr/bin/unreel"
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  install -D -m 644 -t "$root/usr/share/doc/unreel" LICENSE "$made/doc/THIRD-PARTY.txt"
  install -d -m 1777 "$root/tmp"
  cp packages/Containerfile "$out/image/"
}

[ -z "$tag" ] || check_tag
say "the crate, and $target of it"; check_list; build
say "manual, completions, licenses"; describe; changelog
say "archive"; archive
say ".deb"; debian
say "bill of materials"; bill_of_materials
say "image"; image
rm -rf "$out/staged"
(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum | tee SHA256SUMS)
