#!/bin/sh
# Builds the plugin, and runs the host; options are passed on to the host.
set -e
cd "$(dirname "$0")"
./build.sh
exec "${PYTHON:-python3}" host.py "$@"
