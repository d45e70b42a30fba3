#!/bin/sh
# The system VM: mounts, network, join data from the config drive, then one node until it ends or the power button is
# pressed. A machine that cannot be a node switches itself off, so that whoever launched it sees that it is gone.
export PATH=/bin:/sbin
stopping=
node=

say() { echo "porthole-vm: $*" >/dev/console; }
give_up() {
  say "$*; switching off"
  poweroff -f
}

mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp
mkdir /dev/pts /dev/shm /run/porthole
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
hostname porthole
ip link set lo up
# A node listens on ports 80, 443, 8080 and 8443 by default, and is not root.
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
echo 4096 >/proc/sys/net/core/somaxconn
ulimit -n 65536
ulimit -c 0

# From here on the power button ends the node, and the node's end ends the machine.
trap 'stopping=1; [ -z "$node" ] || kill -TERM "$node"' TERM
acpid -l /dev/null -p /run/acpid.pid || give_up "there is no power button"

# Join data. It is a secret, so it is copied to where the node alone reads it, and the drive is let go of.
# An ISO 9660 volume has its label at byte 32808.
drive=
for disk in /dev/vd?; do
  [ "$(dd if="$disk" bs=1 skip=32808 count=8 2>/dev/null)" != porthole ] || drive=$disk
done
[ -n "$drive" ] || give_up "there is no config drive, a disk labelled porthole"
mount -t iso9660 -o ro,mode=400 "$drive" /mnt || give_up "the config drive cannot be read"
[ -f /mnt/node.toml ] || give_up "the config drive has no node.toml"
[ -f /mnt/token ] || give_up "the config drive has no token"
cp /mnt/node.toml /mnt/token /run/porthole/
[ -f /mnt/network ] && cp /mnt/network /run/network
umount /mnt
chown -R porthole:porthole /run/porthole
chmod 700 /run/porthole

# The node's identity, which is all that it keeps, is on a disk of its own, so that it comes back as the same node. Every
# write is on the disk at once. Without such a disk it lives as long as the machine runs.
data=
for disk in /sys/block/vd?; do
  [ "$(cat "$disk/serial" 2>/dev/null)" != porthole-data ] || data=/dev/${disk##*/}
done
if [ -n "$data" ]; then
  # The magic number of ext2 stands at byte 1080; a disk without it is a new one.
  [ "$(dd if="$data" bs=1 skip=1080 count=2 2>/dev/null | xxd -p)" = 53ef ] || mke2fs -L porthole-data "$data" >/dev/null 2>&1
  mount -t ext2 -o sync,nosuid,nodev,noexec "$data" /data || give_up "the data disk cannot be mounted"
  chown porthole:porthole /data
  chmod 700 /data
else
  mount -t tmpfs -o mode=700,uid=1000,gid=1000,nosuid,nodev,noexec tmpfs /data
fi

# Network: what the config drive says, or DHCP, whose lease is kept by udhcpc in the background.
interface=eth0
[ -e /sys/class/net/$interface ] || give_up "there is no network interface"
: >/run/resolv.conf
ip link set "$interface" up
value() { sed -n "s/^$1=//p" /run/network | head -n 1; }
if [ -f /run/network ] && [ -n "$(value address)" ]; then
  ip addr add "$(value address)" dev "$interface" || give_up "the address of the config drive's network is none"
  [ -z "$(value gateway)" ] || ip route add default via "$(value gateway)"
  for server in $(value dns); do echo "nameserver $server" >>/run/resolv.conf; done
else
  udhcpc -i "$interface" -n -t 10 -T 3 -S -s /sbin/dhcp >/dev/null 2>&1 || give_up "no address came by DHCP"
fi
address=$(ip -4 -o addr show dev "$interface" | sed -n 's/.* inet \([0-9.]*\).*/\1/p' | head -n 1)
say "address $address"

# Where browsers find it, unless the config drive says it.
public=
grep -qE '^public-(address|url) *=' /run/porthole/node.toml || public="--public-address $address"

pause=1
cd /opt/porthole || give_up "the image is broken"
while [ -z "$stopping" ]; do
  # The options of Node are those that main.ts would add by starting itself again.
  # shellcheck disable=SC2086 # $public is two words or none.
  HOME=/data NODE_ENV=production start-stop-daemon -S -c porthole:porthole -x /bin/node -- \
    --max-semi-space-size=16 src/main.ts proxy --config /run/porthole/node.toml --join-token-file /run/porthole/token --data /data --json \
    $public >/dev/console 2>&1 &
  node=$!
  # A trap interrupts the waiting, so it is waited for until the process is gone.
  while kill -0 "$node" 2>/dev/null; do
    wait "$node"
    status=$?
  done
  node=
  [ "$status" -ne 0 ] || break
  [ -z "$stopping" ] || break
  # It keeps its identity in /data, so it comes back as the node that it was.
  say "the node ended with status $status; starting it again in $pause s"
  sleep "$pause"
  pause=$((pause * 2 < 30 ? pause * 2 : 30))
done
say "the node has ended; switching off"
umount /data
poweroff -f
