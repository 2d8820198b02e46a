#!/bin/sh
# Builds the plugins as they are now, and has the running host bring them live.
set -e
cd "$(dirname "$0")"
"${PYTHON:-python3}" host.py --build
exec "${PYTHON:-python3}" -m hotswap reload --state-dir .run/state
