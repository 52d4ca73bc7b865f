# Sourced by the scripts that call cargo: where builds go.
#
# The target directory lies outside the clone, so that several clones share the built
# dependencies. Cargo tells this project's own crates of two clones apart by the time of
# their files only, and would take the other clone's code for its own: when another clone
# has built last, the sources are touched, and only they are built again.
if [[ -z ${CARGO_TARGET_DIR:-} ]]; then
    export CARGO_TARGET_DIR=${MINGPIAN_CACHE:-$HOME/.cache/mingpian}/target
    if [[ $(cat "$CARGO_TARGET_DIR/.clone" 2>/dev/null || true) != "$PWD" ]]; then
        mkdir -p "$CARGO_TARGET_DIR"
        find functions shared tests -name '*.rs' -exec touch {} +
        printf '%s' "$PWD" >"$CARGO_TARGET_DIR/.clone"
    fi
fi
