#!/bin/sh
# Porthole in the image. What is set here is what main.ts would otherwise set by starting Node a second time.
ulimit -c 0
# Of the options, --v8-pool-size is control's alone.
pool=
[ "${1-}" != control ] || pool=--v8-pool-size=1
exec node --max-semi-space-size=16 $pool /opt/porthole/src/main.ts "$@"
