# Bookworm's glibc is older than that of the image below, so what is linked here runs there.
FROM rust:1-bookworm AS build
WORKDIR /build

# What is built beside the default: "etcd" for replicas.
ARG FEATURES=""

# Dependencies change less often than sources: built beside empty ones, they stay in a layer of
# their own that no change of the sources throws away. The benches are not built, but Cargo rejects
# a manifest that names one which is not there.
COPY Cargo.toml Cargo.lock ./
COPY benches benches
RUN mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --features "$FEATURES"

# Cargo goes by times: sources older than the build of the empty ones would pass for built already,
# and the image would get a program that does nothing.
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --features "$FEATURES"


FROM ubuntu:24.04

LABEL org.opencontainers.image.title="package-indexer" \
      org.opencontainers.image.description="A package index that can be trusted: a deterministic state machine held against a model, its TCP server and its tools" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

# A fixed number, because Kubernetes' runAsNonRoot cannot tell from a name that it is not root's.
RUN useradd --system --uid 900 --user-group \
        --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin indexer
COPY --from=build /build/target/release/indexer /usr/local/bin/
USER 900:900

EXPOSE 8080

# The time-out is longer than ping's own, so that ping still gets to say what is wrong. The exec
# form leaves no shell between the two, and so no orphan that the server would have to reap.
HEALTHCHECK --interval=10s --timeout=5s CMD ["indexer", "ping"]

# The exec form makes the server itself the process that the signal reaches; on SIGTERM it lets
# running batches finish, in less time than the ten seconds that Docker gives it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["indexer"]
# Apart from the entry point, so that other commands can be run in its place. The default address,
# 127.0.0.1, would be out of reach from outside the container.
CMD ["serve", "--listen", "0.0.0.0:8080"]
