# Bookworm's glibc is older than that of the image below, so what is linked here runs there.
FROM rust:1-bookworm AS build
WORKDIR /build

# What is built besides what a server needs: `--build-arg FEATURES=etcd` adds replicas, and
# `"tools check load"` the other commands.
ARG FEATURES=""

# The manifest names tests, examples and benches. They are not part of the image, and Cargo rejects
# a manifest that names a file which is missing. So those sections are left out, each up to the
# next one. The lock file does not depend on them. The drivers of the tests are a crate of the same
# workspace, which only `check` builds.
COPY Cargo.toml Cargo.lock ./
COPY statecheck/Cargo.toml statecheck/Cargo.toml
RUN awk '/^\[/ { left_out = /^\[\[(test|example|bench)\]\]/ } !left_out' Cargo.toml > image.toml \
    && mv image.toml Cargo.toml

# Dependencies change less often than sources. Built with empty sources, they stay in a layer of
# their own, which no change of the sources throws away.
RUN mkdir src statecheck/src \
    && echo '//! Empty.' | tee src/lib.rs > statecheck/src/lib.rs \
    && printf '//! Empty.\nfn main() {}\n' > src/main.rs \
    && cargo build --release --locked --no-default-features --features "serve $FEATURES"

# `check` includes the protocol and the transcripts of `spec`. Cargo compares times: sources
# older than the build of the empty ones would pass for built already, and the image would get a
# program that does nothing.
COPY spec spec
COPY statecheck/src statecheck/src
COPY statecheck/docs statecheck/docs
COPY src src
RUN touch src/lib.rs src/main.rs statecheck/src/lib.rs \
    && cargo build --release --locked --no-default-features --features "serve $FEATURES"


FROM ubuntu:24.04

LABEL org.opencontainers.image.title="package-indexer" \
      org.opencontainers.image.description="A package index that can be trusted: a deterministic state machine held against a model, its TCP server and its tools" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

# A fixed number, because Kubernetes' runAsNonRoot cannot tell from a name that it is not root's.
# The directory is where a volume for `--data-dir` is mounted. A new volume takes over its owner
# and mode, so that the server may write there. There is no VOLUME line: it would create a volume
# for every container, also for those that keep nothing.
RUN useradd --system --uid 900 --user-group \
        --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin indexer \
    && install --directory --owner=900 --group=900 --mode=0700 /var/lib/indexer
COPY --from=build /build/target/release/indexer /usr/local/bin/
USER 900:900

EXPOSE 8080

# The timeout is longer than ping's own, so that ping still gets to say what is wrong. The exec
# form leaves no shell between the two, and so no orphan that the server would have to reap.
HEALTHCHECK --interval=10s --timeout=5s CMD ["indexer", "ping"]

# The exec form makes the server itself the process that the signal reaches. On SIGTERM it lets
# running batches finish, in less time than the ten seconds that Docker gives it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["indexer"]
# Apart from the entry point, so that other commands can be run in its place. The default address,
# 127.0.0.1, would be out of reach from outside the container.
CMD ["serve", "--listen", "0.0.0.0:8080"]
