#!/bin/sh
# Builds the plugin as it is now, as a wheel and as a part of the program; without hatchling at hand, in an environment
# of its own.
set -e
cd "$(dirname "$0")"
"${PYTHON:-python3}" -c "import hatchling" 2>/dev/null && set -- --no-isolation "$@"
"${PYTHON:-python3}" -m hotswap build "$@" plugins/dog .run/plugins
exec "${PYTHON:-python3}" -m hotswap build --static-linking plugins/dog .run
