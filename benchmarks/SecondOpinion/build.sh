#!/usr/bin/env bash
# build.sh [IMAGE]: makes a root with drgn and the debug symbols of the kernel of a guest image (default trixie), unless the cache has
# it, and prints its directory. Nothing of it is installed on the host.
set -euo pipefail
export LC_ALL=C
umask 022

image=${1:-trixie}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${WATARI_CACHE:-/var/cache/watari}
roots=$cache/second-opinion
mirror=${WATARI_MIRROR:-http://deb.debian.org/debian}
security=${WATARI_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
keep_days=7 # a root that was not asked for so long is removed

die() { echo "second-opinion: $*" >&2; exit 1; }

manifest=$cache/guest-image/$image/manifest.json
[[ -e $manifest ]] || die "there is no guest image $image; run: make guest-image"
kernel=$(sed -n 's/.*"kernel": "\(.*\)".*/\1/p' "$manifest")

# An image with another suite's kernel is named SUITE+KERNELSUITE-FLAVOUR. drgn is Debian 13's, or sid's where the kernel is.
origin=${image#*+}
origin=${origin%%-*}
if [[ $origin == sid ]]; then
    suite=sid
    sources=("$mirror")
else
    suite=trixie
    sources=("$mirror" "deb $security trixie-security main")
    [[ $origin == trixie ]] || sources+=("deb $mirror $origin main" "deb $security $origin-security main")
fi

root=$roots/$kernel-$(sha256sum "$here/build.sh" | cut -c1-16)
if [[ ! -e $root ]]; then
    ((EUID == 0)) || die "must run as root: it makes a root file system"
    mkdir -p "$roots"
    exec {lock}>"$roots/.lock"
    flock "$lock"
    scratch=$(mktemp -d "$roots/.building-XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    if [[ ! -e $root ]]; then
        echo "second-opinion: fetching drgn and the symbols of $kernel (some 350 MB)" >&2
        # A mirror that stands still will do. Of the symbols only the kernel's own: those of its modules are three times as much.
        mmdebstrap --quiet --variant=minbase --components=main --include="python3-drgn,linux-image-$kernel-dbg" \
            --aptopt='APT::Install-Recommends "false"' \
            --aptopt='Acquire::Retries "3"' \
            --aptopt='Acquire::Check-Valid-Until "false"' \
            --dpkgopt='path-exclude=/usr/share/doc/*' \
            --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            --dpkgopt='path-exclude=/usr/lib/debug/*.ko*' \
            --format=directory "$suite" "$scratch/root" "${sources[@]}" >&2 ||
            die "see above; where Debian has no symbols of $kernel any more, remove $cache/guest-image and build a guest with a newer one"
        mv -T "$scratch/root" "$root"
    fi
fi
touch -c "$root"
find "$roots" -mindepth 1 -maxdepth 1 -type d -mtime "+$keep_days" -exec rm -rf {} +

# The link by which the benchmark finds it.
ln -sfn "$(basename "$root")" "$roots/$kernel.new.$$"
mv -T "$roots/$kernel.new.$$" "$roots/$kernel"
echo "$root"
