#!/bin/sh
# Runs inside the new root once its packages are installed: what depends on the packages alone.
set -eu

# An initrd of three files: busybox, the disk's driver, init. Debian's own takes seconds longer to boot.
kernel=$(basename "$(echo /lib/modules/*)")
work=$(mktemp -d)
mkdir -p "$work/bin" "$work/dev" "$work/root"
cp /bin/busybox "$work/bin/busybox"
cp /tmp/initrd/init "$work/init"
driver=$(find "/lib/modules/$kernel" -name 'virtio_blk.ko*')
case $driver in
    *.xz) busybox unxz -c "$driver" >"$work/virtio_blk.ko" ;;
    *) cp "$driver" "$work/virtio_blk.ko" ;;
esac
(cd "$work" && find . | cpio --quiet -o -H newc) >/boot/watari-initrd.img
rm -rf "$work" /boot/initrd.img-*

rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
