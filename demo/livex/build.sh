#!/bin/sh
# Builds the plugin as it is now; without hatchling at hand, in an environment of its own.
set -e
cd "$(dirname "$0")"
"${PYTHON:-python3}" -c "import hatchling" 2>/dev/null && set -- --no-isolation "$@"
exec "${PYTHON:-python3}" -m hotswap build "$@" plugins/guardian .run/plugins
