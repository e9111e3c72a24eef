#!/bin/sh
# Runs inside the new root once its packages are installed: what depends on the packages alone.
# $1: the folder of the initrd's init.
set -eu

# An initrd of busybox, an init and the modules that the disk needs, numbered in the order of loading.
# Debian's own takes seconds longer to boot.
make_initrd() {
    kernel=$(basename "$(echo /lib/modules/*)")
    work=$(mktemp -d)
    mkdir -p "$work/bin" "$work/dev" "$work/modules" "$work/root"
    cp /bin/busybox "$work/bin/busybox"
    cp "$1/init" "$work/init"
    modprobe --set-version "$kernel" --show-depends --all virtio_pci virtio_blk crc32c ext4 |
        awk '$1 == "insmod" && !seen[$2]++ { printf "%02d %s\n", ++count, $2 }' |
        while read -r number module; do
            to=$work/modules/$number-$(basename "$module" .xz)
            case $module in
                *.xz) busybox unxz -c "$module" >"$to" ;;
                *) cp "$module" "$to" ;;
            esac
        done
    (cd "$work" && find . | cpio --quiet -o -H newc) >/boot/watari-initrd.img
    rm -rf "$work" /boot/initrd.img-*
}

# The root file system of a container with redis, its client, a shell and what they link.
make_redis_root() {
    root=/var/lib/watari/bundles/redis/rootfs
    for directory in usr/bin usr/lib usr/lib64 data dev etc proc run sys tmp; do mkdir -p "$root/$directory"; done
    ln -s usr/bin usr/lib usr/lib64 "$root/"
    for program in redis-server redis-cli dash; do
        cp -L "/usr/bin/$program" "$root/usr/bin/"
        ldd "/usr/bin/$program" | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$root/$(dirname "$library")"
            cp -L "$library" "$root/$library"
        done
    done
    ln -s dash "$root/usr/bin/sh"
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
}

# The root file system of a container with busybox alone; of it come the images localhost/busybox, Docker's by watari-docker.
make_busybox_root() {
    root=/var/lib/watari/images/busybox
    for directory in bin data dev etc proc run sys tmp; do mkdir -p "$root/$directory"; done
    ln /bin/busybox "$root/bin/busybox" 2>/dev/null || cp /bin/busybox "$root/bin/busybox"
    for applet in cat echo ls mkdir rm sh sleep true; do ln -s busybox "$root/bin/$applet"; done
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
}

import_busybox_image() {
    tar -C /var/lib/watari/images/busybox -c . | podman --storage-driver overlay import --quiet --change 'CMD ["/bin/sh"]' - localhost/busybox
}

# The root of redis as an image of podman, for a guest that has no registry to ask.
import_redis_image() {
    tar -C /var/lib/watari/bundles/redis/rootfs -c . |
        podman --storage-driver overlay import --quiet \
            --change 'CMD ["/usr/bin/redis-server", "--save", "", "--appendonly", "no", "--dir", "/data", "--bind", "127.0.0.1", "--unixsocket", "/run/redis.sock", "--enable-debug-command", "yes"]' \
            - localhost/redis
}

make_initrd "$1"
make_redis_root
import_redis_image
make_busybox_root
import_busybox_image
rm -rf /run/containers /run/libpod /etc/resolv.conf /etc/hostname /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
