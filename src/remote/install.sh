set -eu
if ! command -v lambda-pack >/dev/null; then
  if [ -z "${LAMBDA_PACK_BINARY:-}" ]; then
    echo "lambda-pack is not in this build's image, and LAMBDA_PACK_BINARY (s3://...) does not say where it is" >&2
    exit 1
  fi
  mkdir -p /tmp/lambda-pack-bin
  aws s3 cp --only-show-errors "$LAMBDA_PACK_BINARY" /tmp/lambda-pack-bin/lambda-pack
  if [ -n "${LAMBDA_PACK_BINARY_SHA256:-}" ]; then
    echo "$LAMBDA_PACK_BINARY_SHA256  /tmp/lambda-pack-bin/lambda-pack" | sha256sum -c -
  fi
  chmod 755 /tmp/lambda-pack-bin/lambda-pack
fi
