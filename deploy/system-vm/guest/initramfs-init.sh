#!/bin/busybox sh
# The first process of the system VM: loads modules, finds the root by what it is, and hands over to /sbin/init there.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do /bin/busybox insmod "$module"; done

# The disk with a squashfs on it, whichever place the hypervisor gave it. Disks are probed while modules are loaded, so
# it is there; where a hypervisor takes longer, it is waited for.
tries=0
while [ "$tries" -lt 100 ]; do
  for device in /dev/vd?; do
    if [ "$(/bin/busybox dd if="$device" bs=4 count=1 2>/dev/null)" = hsqs ]; then
      /bin/busybox mount -t squashfs -o ro "$device" /root || break 2
      for folder in proc sys dev; do /bin/busybox mount -o move "/$folder" "/root/$folder"; done
      exec /bin/busybox switch_root /root /sbin/init
    fi
  done
  tries=$((tries + 1))
  /bin/busybox usleep 100000
done
echo "porthole-vm: there is no virtio disk with root.squashfs on it" >/dev/console
/bin/busybox poweroff -f
