#!/usr/bin/env bash
# kernel.sh SUITE FLAVOUR DIRECTORY: fetches a Debian kernel (FLAVOUR: amd64 or cloud-amd64) and makes of it the vmlinuz and initrd.img
# that boot the disk of an image of another suite. The kernel's modules travel in the initrd.
set -euo pipefail

suite=$1 flavour=$2 target=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mirror=${WATARI_MIRROR:-http://deb.debian.org/debian}
security=${WATARI_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
# What the disk needs, then what guests and tests use: the same as overlay/usr/lib/watari/boot loads.
disk_modules=(virtio_pci virtio_blk crc32c ext4)
guest_modules=(virtio_console pvpanic-pci overlay unix_diag inet_diag tcp_diag udp_diag raw_diag netlink_diag af_packet_diag tun veth bridge virtio_net)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# An apt of its own, which knows this suite alone.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$scratch"/apt/{lists/partial,archives/partial} "$scratch/packages" "$scratch/root"
touch "$scratch/apt/status"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$scratch/apt/sources.list"
[[ $suite == sid ]] || echo "deb [signed-by=$keyring] $security $suite-security main" >>"$scratch/apt/sources.list"
options=(-qq -o Dir::Etc::SourceList="$scratch/apt/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$scratch/apt" -o Dir::State::status="$scratch/apt/status"
    -o Dir::Cache="$scratch/apt" -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none)
apt-get "${options[@]}" update >&2

# linux-image-FLAVOUR depends on the newest kernel; since 7.0 that comes in parts.
parts_of() { apt-cache "${options[@]}" depends "$1" | sed -n 's/^ *Depends: \(linux-\(image\|binary\|modules\|base\)-[0-9].*\)/\1/p'; }
image=$(parts_of "linux-image-$flavour")
[[ -n $image ]] || { echo "guest-image: $suite has no linux-image-$flavour" >&2; exit 1; }
# shellcheck disable=SC2046 # one package a word
(cd "$scratch/packages" && apt-get "${options[@]}" download busybox-static "$image" $(parts_of "$image") >&2)
for package in "$scratch"/packages/*.deb; do dpkg-deb --extract "$package" "$scratch/root"; done

# Since 7.0 the kernel lies beside its modules; /lib is a link to usr/lib in some packages and a folder in others.
mkdir -p "$scratch/flat/lib/modules"
mv "$scratch"/root/{usr/,}lib/modules/* "$scratch/flat/lib/modules/" 2>/dev/null || true
version=$(basename "$scratch"/flat/lib/modules/*)
vmlinuz=$scratch/root/boot/vmlinuz-$version
[[ -f $vmlinuz ]] || vmlinuz=$scratch/flat/lib/modules/$version/vmlinuz

# The files of modules and of those that they need, in the order of loading; what is built in or missing is none.
modules_of() {
    modprobe --dirname "$scratch/flat" --set-version "$version" --show-depends --all --quiet "$@" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' || true
}

# Only the modules that are used, unpacked, with an index of their own.
depmod -b "$scratch/flat" "$version"
initrd=$scratch/initrd
kept=$initrd/lib/modules/$version
mkdir -p "$initrd"/{bin,dev,modules,root} "$kept"
cp "$(find "$scratch/root" -name busybox -type f -path '*bin*' -print -quit)" "$initrd/bin/busybox"
cp "$here/initrd/init" "$initrd/init"
unpack() {
    case $1 in
        *.xz) xz -dc "$1" ;;
        *) cat "$1" ;;
    esac
}
name_of() { basename "$1" | sed 's/\.ko.*/.ko/'; }
count=0
for module in $(modules_of "${disk_modules[@]}"); do
    printf -v number '%02d' $((++count))
    unpack "$module" >"$initrd/modules/$number-$(name_of "$module")"
done
for module in $(modules_of "${guest_modules[@]}"); do unpack "$module" >"$kept/$(name_of "$module")"; done
cp "$scratch/flat/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$kept/" 2>/dev/null || true
depmod -b "$initrd" "$version"

mkdir -p "$target"
cp "$vmlinuz" "$target/vmlinuz"
(cd "$initrd" && find . | LC_ALL=C sort | cpio --quiet -o -H newc --owner 0:0) >"$target/initrd.img"
echo "$version" >"$target/kernel"
