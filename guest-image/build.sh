#!/usr/bin/env bash
# Builds the guest image of a Debian suite from its packages. See README.md.
set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${WATARI_CACHE:-/var/cache/watari}/guest-image
agent=${WATARI_AGENT:-}
kernel=
disk_size=4G
keep_days=7 # an image or root that was not asked for so long is removed
scratch=

usage() {
    cat <<'USAGE'
usage: build.sh [--agent PATH] [--kernel SUITE/FLAVOUR] [--path] [trixie|bookworm]

Builds the guest image of the suite (default trixie), unless the cache has it, and prints its directory.
  --agent PATH  put this binary into the image as /usr/lib/watari/watari-agent (or WATARI_AGENT)
  --kernel SUITE/FLAVOUR
                boot it with another kernel: of bullseye, bookworm, trixie or sid, amd64 or cloud-amd64
  --path        print the directory that the image has or would have; build nothing
USAGE
}

die() { echo "guest-image: $*" >&2; exit 1; }
say() { echo "guest-image: $*" >&2; }

remove_scratch() { if [[ -n $scratch ]]; then rm -rf "$scratch"; fi; }

# Fails with one line that names every Debian package that the build lacks.
require_host() {
    local pair missing=()
    for pair in mmdebstrap:mmdebstrap mke2fs:e2fsprogs gcc:gcc tar:tar flock:util-linux sha256sum:coreutils depmod:kmod cpio:cpio xz:xz-utils; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [[ -e /usr/lib/x86_64-linux-gnu/libc.a ]] || missing+=(libc6-dev)
    ((${#missing[@]} == 0)) || die "missing on this host; run: apt-get install ${missing[*]}"
    ((EUID == 0)) || die "must run as root: it creates device nodes and files of other owners"
}

# One hash over names, modes and contents, whatever the umask of the checkout.
hash_of() {
    tar -C "$here" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' -cf - "$@" |
        sha256sum | cut -c1-16
}

# Each program is a folder of sources, linked statically.
build_program() {
    local name=$1 directory=$2
    mkdir -p "$directory"
    gcc -std=gnu17 -O2 -Wall -Wextra -Werror -static -pthread -o "$directory/$name" "$here/programs/$name"/*.[cS]
}

# A bundle for runc: config.json from the template, the root file system from a program or prepare.sh.
build_bundles() {
    local bundles=$1/var/lib/watari/bundles arguments name
    for arguments in "$here"/bundles/*.args; do
        name=$(basename "$arguments" .args)
        mkdir -p "$bundles/$name"
        if [[ -d $here/programs/$name ]]; then
            # The only file of its container but data.
            mkdir -p "$bundles/$name/rootfs"/{data,dev,etc,proc,run,sys,tmp}
            build_program "$name" "$bundles/$name/rootfs/bin"
        fi
        sed -e "s#@NAME@#$name#" -e "s#@ARGUMENTS@#$(<"$arguments")#" "$here/bundles/template.json" \
            >"$bundles/$name/config.json"
    done
    "$bundles/kinds/rootfs/bin/kinds" --files "$bundles/kinds/rootfs/data"
}

write_manifest() {
    local suite=$1 image=$2 root=$3
    cat >"$image/manifest.json" <<MANIFEST
{
  "suite": "$suite",
  "kernel": "$(basename "$(echo "$root"/lib/modules/*)")",
  "criu": "$(version_of criu "$image")",
  "runc": "$(version_of runc "$image")",
  "podman": "$(version_of podman "$image")",
  "agent": $([[ -n $agent ]] && echo "\"$(sha256sum "$agent" | cut -c1-16)\"" || echo null),
  "kernelArguments": "root=/dev/vda rw console=ttyS0 quiet panic=-1"
}
MANIFEST
}

version_of() { sed -n "s/^$1 //p" "$2/packages.list"; }

# The fast part: our files over the packages, packed into a file system.
build_image() {
    local suite=$1 tarball=$2 image=$3 root=$4
    mkdir -p "$root"
    tar -C "$root" --numeric-owner --xattrs --xattrs-include='*' -xf "$tarball"
    cp -a --no-preserve=ownership "$here/overlay/." "$root/"
    ln -sfn /bin/busybox "$root/usr/sbin/init"
    build_bundles "$root"
    for program in account odd; do build_program "$program" "$root/usr/sbin"; done
    if [[ -n $agent ]]; then install -m 755 "$agent" "$root/usr/lib/watari/watari-agent"; fi

    # shellcheck disable=SC2016 # the fields are dpkg-query's
    dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Package} ${Version}\n' >"$image/packages.list"
    cp "$(echo "$root"/boot/vmlinuz-*)" "$image/vmlinuz"
    mv "$root/boot/watari-initrd.img" "$image/initrd.img"
    write_manifest "$suite" "$image" "$root"
    mke2fs -q -t ext4 -L watari -m 0 -d "$root" "$image/disk.raw" "$disk_size" >/dev/null
}

# The same disk with another kernel: a directory of links and the two files that kernel.sh makes.
build_with_kernel() {
    local image=$1 with_kernel=$2 files=$3
    if [[ ! -e $files/initrd.img ]]; then
        say "fetching the kernel $kernel"
        "$here/kernel.sh" "${kernel%/*}" "${kernel#*/}" "$scratch/kernel"
        rm -rf "$files"
        mv -T "$scratch/kernel" "$files"
    fi
    mkdir -p "$scratch/with-kernel"
    ln "$image/disk.raw" "$image/packages.list" "$files/vmlinuz" "$files/initrd.img" "$scratch/with-kernel/"
    sed "s#\"kernel\": \".*\"#\"kernel\": \"$(<"$files/kernel")\"#" "$image/manifest.json" >"$scratch/with-kernel/manifest.json"
    chmod 755 "$scratch/with-kernel"
    mv -T "$scratch/with-kernel" "$with_kernel"
}

# The link NAME leads to the directory that was asked for last.
publish() {
    ln -sfn "$1" "$cache/$2.new.$$"
    mv -T "$cache/$2.new.$$" "$cache/$2"
}

main() {
    local suite=trixie path_only=false
    while (($#)); do
        case $1 in
            --agent) [[ $# -ge 2 ]] || die "--agent wants a path"; agent=$2; shift ;;
            --kernel) [[ $# -ge 2 && $2 == */* ]] || die "--kernel wants SUITE/FLAVOUR"; kernel=$2; shift ;;
            --path) path_only=true ;;
            -h | --help) usage; exit 0 ;;
            trixie | bookworm) suite=$1 ;;
            *) usage >&2; exit 2 ;;
        esac
        shift
    done
    [[ -z $agent || -f $agent ]] || die "no agent at $agent"

    local root_hash image_hash image tarball
    root_hash=$(hash_of root.sh packages prepare.sh initrd)
    image_hash=$({ echo "$suite $root_hash"; hash_of build.sh overlay programs bundles; cat ${agent:+"$agent"} /dev/null; } |
        sha256sum | cut -c1-16)
    image=$cache/$suite-$image_hash
    tarball=$cache/$suite-$root_hash.root.tar
    local result=$image name=$suite files=
    if [[ -n $kernel ]]; then
        files=$cache/kernel-${kernel/\//-}-$(hash_of kernel.sh initrd)
        result=$image+${files##*/kernel-}
        name=$suite+${kernel/\//-}
    fi
    if $path_only; then echo "$result"; exit 0; fi

    if [[ ! -e $result/manifest.json ]]; then
        require_host
        mkdir -p "$cache"
        exec {lock}>"$cache/$suite.lock"
        flock "$lock"
        scratch=$(mktemp -d "$cache/.building-XXXXXX")
        trap remove_scratch EXIT
        if [[ ! -e $tarball ]]; then
            say "installing the packages of $suite"
            "$here/root.sh" "$suite" "$scratch/root.tar"
            mv "$scratch/root.tar" "$tarball"
        fi
        if [[ ! -e $image/manifest.json ]]; then
            say "building the image of $suite"
            mkdir "$scratch/image"
            chmod 755 "$scratch/image"
            build_image "$suite" "$tarball" "$scratch/image" "$scratch/root"
            mv -T "$scratch/image" "$image"
        fi
        if [[ ! -e $result/manifest.json ]]; then build_with_kernel "$image" "$result" "$files"; fi
    fi
    touch -c "$image" "$result" "$tarball" ${files:+"$files"}
    find "$cache" -maxdepth 1 \( -name "$suite-*" -o -name 'kernel-*' \) -mtime "+$keep_days" -exec rm -rf {} +
    publish "$(basename "$result")" "$name"
    echo "$result"
}

main "$@"
