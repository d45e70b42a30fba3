#!/bin/busybox sh
# The first process of the guest that tests boot: a shell on the screen and one on the first serial line, and
# what the tablet sends, in words, on the second.
export PATH=/bin TERM=linux HOME=/root PS1='guest# '
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
hostname guest
for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done

# One line "EVENT type code value" for each struct input_event: 16 bytes of time, then u16, u16, s32.
report_pointer() {
  for input in /sys/class/input/event*; do
    grep -q Tablet "$input/device/name" || continue
    echo "POINTER-READY" >/dev/ttyS1
    while dd bs=24 count=1 2>/dev/null | tail -c 8 | hexdump -v -e '"EVENT " 1/2 "%u " 1/2 "%u " 1/4 "%d\n"'; do
      :
    done <"/dev/input/${input##*/}" >/dev/ttyS1
  done
}
[ -c /dev/ttyS1 ] && report_pointer &

# Not cttyhack: that would move the screen's shell to the last console= of the kernel's command line.
while :; do
  TERM=vt100 setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
done &
while :; do
  setsid -c sh -c 'echo GUEST-READY >/dev/ttyS0; exec sh' </dev/tty1 >/dev/tty1 2>&1
done
