#!/bin/sh
# Builds the plugin as it is now, and has the running host bring it live.
set -e
cd "$(dirname "$0")"
./build.sh
exec "${PYTHON:-python3}" -m hotswap reload --state-dir .run/state
