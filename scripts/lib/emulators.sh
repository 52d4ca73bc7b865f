# Emulators for as long as a script runs; sourced by scripts/test and scripts/lab.
# The script sets `tools` (scripts/setup tools) and `scratch` (a directory for logs), and
# calls stop_processes when it ends.

# ---- processes: each is ended by its own id, however this script ends
pids=()
stop_processes() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    pids=()
}

free_port() {
    "$tools/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# await NAME PID URL: until something answers there, 60 seconds at most.
await() {
    local name=$1 pid=$2 url=$3 look
    for ((look = 0; look < 300; look++)); do
        kill -0 "$pid" 2>/dev/null || break
        "$tools/bin/python" -c 'import sys, requests; requests.get(sys.argv[1], timeout=2)' "$url" 2>/dev/null && return
        sleep 0.2
    done
    echo "$name did not start; its log:" >&2
    tail -n 40 "$scratch/$name.log" >&2
    return 1
}

start_dynamodb() {
    local home port
    home=$(scripts/setup dynamodb)
    port=$(free_port)
    # It leaves a file where it is started.
    (cd "$scratch" && exec java -Djava.library.path="$home/DynamoDBLocal_lib" -jar "$home/DynamoDBLocal.jar" \
        -inMemory -disableTelemetry -port "$port" >"$scratch/dynamodb.log" 2>&1) &
    pids+=($!)
    export DYNAMODB_ENDPOINT=http://127.0.0.1:$port
    await dynamodb $! "$DYNAMODB_ENDPOINT"
}

start_localstack() {
    local home port
    home=$(scripts/setup localstack)
    port=$(free_port)
    (
        cd "$scratch"
        GATEWAY_LISTEN=127.0.0.1:$port LOCALSTACK_HOST=localhost:$port SERVICES=s3,sqs DISABLE_EVENTS=1 S3_SKIP_SIGNATURE_VALIDATION=0 \
            SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0 LOCALSTACK_VOLUME_DIR="$scratch/localstack" \
            exec "$home/bin/python" -m localstack.runtime.main
    ) >"$scratch/localstack.log" 2>&1 &
    pids+=($!)
    export SQS_ENDPOINT=http://127.0.0.1:$port S3_ENDPOINT=http://127.0.0.1:$port
    await localstack $! "$SQS_ENDPOINT/_localstack/health"
}
