#!/bin/sh
# What udhcpc calls with what it was given: an address comes, changes, or goes.
# shellcheck disable=SC2154 # interface, ip, mask, router, dns and domain are udhcpc's.
case "$1" in
deconfig)
  ip addr flush dev "$interface"
  ;;
bound | renew)
  ip addr replace "$ip/$mask" dev "$interface"
  for gateway in $router; do
    ip route replace default via "$gateway" dev "$interface"
    break
  done
  : >/run/resolv.conf.new
  [ -z "$domain" ] || echo "search $domain" >>/run/resolv.conf.new
  for server in $dns; do echo "nameserver $server" >>/run/resolv.conf.new; done
  mv /run/resolv.conf.new /run/resolv.conf
  ;;
esac
