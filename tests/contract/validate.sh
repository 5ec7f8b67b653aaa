#!/bin/sh
# Holds an AsyncAPI document against AsyncAPI's own validator: validate.sh [FILE]. The first call installs the validator
# with npm into an ignored folder (1.5 GB; Node.js 20 or newer).
set -eu
cd "$(dirname "$0")/../.."
tools=${ASYNCAPI_TOOLS:-build/asyncapi}
asyncapi=$tools/node_modules/.bin/asyncapi
if [ ! -x "$asyncapi" ]; then
  command -v npm >/dev/null || { echo "AsyncAPI's validator needs Node.js with npm: apt install npm" >&2; exit 2; }
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --prefix "$tools" @asyncapi/cli@4.1.1
fi
# It would tell its makers about each run.
export ASYNCAPI_METRICS_CONFIG_PATH="$tools/metrics.json"
echo '{"analyticsEnabled": "false", "infoMessageShown": "true"}' >"$ASYNCAPI_METRICS_CONFIG_PATH"
exec "$asyncapi" validate "${1:-docs/events/asyncapi.json}"
