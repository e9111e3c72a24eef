#!/usr/bin/env bash
# root.sh SUITE TARBALL: installs the packages of the guest into a tarball. The slow part of build.sh.
set -euo pipefail

suite=$1 tarball=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mirror=${WATARI_MIRROR:-http://deb.debian.org/debian}
security=${WATARI_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
packages=$(awk -v suite="$suite" '!/^#/ && (NF == 1 || $2 == suite) { print $1 }' "$here/packages" | paste -sd,)

# podman unpacks images only where / is a mount point.
# shellcheck disable=SC2016 # $1 is the hook's: the new root
prepare='mount --rbind "$1" "$1" && exec chroot "$1" sh /tmp/prepare.sh /tmp/initrd'

mmdebstrap --quiet --variant=minbase --components=main --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' \
    --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/lib/udev/hwdb.d/*' \
    --dpkgopt='path-exclude=/usr/libexec/podman/podman-testing' \
    --dpkgopt='path-exclude=/usr/bin/containerd-shim' \
    --dpkgopt='path-exclude=/usr/bin/containerd-shim-runc-v1' \
    --setup-hook="mkdir -p \"\$1/etc/initramfs-tools/conf.d\" && echo MODULES=list >\"\$1/etc/initramfs-tools/conf.d/watari\"" \
    --customize-hook="copy-in '$here/initrd' /tmp" \
    --customize-hook="upload '$here/prepare.sh' /tmp/prepare.sh" \
    --customize-hook="unshare --mount sh -c '$prepare' - \"\$1\"" \
    --customize-hook="rm -rf \"\$1\"/tmp/*" \
    "$suite" "$tarball" "$mirror" "deb $mirror $suite-updates main" "deb $security $suite-security main" >&2
