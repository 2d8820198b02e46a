#!/bin/sh
# Runs the host; its options are passed on, e.g. ./run.sh --tour
exec "${PYTHON:-python3}" "$(dirname "$0")/host.py" "$@"
