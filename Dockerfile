# One image for each service: a program and the libraries that it is linked to, and nothing else. No shell, no packages, no
# root. The proxy's alone has a Debian beneath it. docs/images.md says how they are built, and what was measured.
#
#   docker build --target command-service --tag syncboard/command-service .
#
# Crates come from crates.io; where a mirror is needed, say so with the machine's own file, which stays out of every layer:
#   docker build --secret id=cargo,src="$HOME/.cargo/config.toml" ...
#
# The same sources make the same files: crates are those of Cargo.lock, every path is the same in each build, and every file has
# the same time. What images stand on is the same where it is named by its digest, as releases do. tests/reproducible.sh builds
# twice and compares.
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS dependencies
WORKDIR /build
# Compilers of C say it instead of the time of day.
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} \
    CARGO_INCREMENTAL=0 \
    CARGO_PROFILE_RELEASE_DEBUG=false \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    CARGO_TERM_COLOR=never \
    SQLX_OFFLINE=true
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]

# The manifests alone decide which crates are built: this layer stays until one of them changes.
COPY Cargo.toml Cargo.lock ./
COPY analysis/Cargo.toml analysis/
COPY command-service/Cargo.toml command-service/
COPY compose/Cargo.toml compose/
COPY domain/Cargo.toml domain/
COPY events/Cargo.toml events/
COPY projector/Cargo.toml projector/
COPY query-service/Cargo.toml query-service/
COPY runtime/Cargo.toml runtime/
COPY tests/Cargo.toml tests/
RUN for member in */; do \
      mkdir "$member/src"; \
      echo '#![allow(missing_docs)]' >"$member/src/lib.rs"; \
      printf '#![allow(missing_docs)]\nfn main() {}\n' >"$member/src/main.rs"; \
    done
RUN --mount=type=secret,id=cargo,target=/usr/local/cargo/config.toml,required=false \
    cargo fetch --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
RUN cargo build --release --locked --offline --package command-service --package projector --package query-service

FROM dependencies AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY .cargo/ .cargo/
COPY .sqlx/ .sqlx/
COPY schema/ schema/
COPY analysis/ analysis/
COPY domain/ domain/
COPY events/ events/
COPY runtime/ runtime/
COPY command-service/ command-service/
COPY projector/ projector/
COPY query-service/ query-service/
# The commit that programs name; without it they say that they do not know.
ARG REVISION=
# Newer than the empty crates above, whatever the files' times are.
RUN touch ./*/src/*.rs && \
    SYNCBOARD_COMMIT="$REVISION" cargo build --release --locked --offline --package command-service --package projector --package query-service
# What a program needs at run time: the libraries that it names, certificates to know servers by, and where names are looked up;
# and what Debian says of the packages that these come from, by which scanners know them.
RUN for program in command-service projector query-service; do \
      install -D --mode=0755 "target/release/$program" "/images/$program/$program"; \
      ldd "target/release/$program" | grep -o '/[^ ]*' | sort -u | \
        while read -r library; do \
          install -D --mode=0755 "$library" "/images/$program$library"; \
          dpkg-query --search "*/${library##*/}" | cut --delimiter=: --fields=1; \
        done | sort --unique >/tmp/packages; \
      mkdir --parents "/images/$program/var/lib/dpkg/status.d"; \
      for package in ca-certificates $(cat /tmp/packages); do \
        dpkg-query --status "$package" >"/images/$program/var/lib/dpkg/status.d/$package"; \
      done; \
      install -D --mode=0644 /etc/os-release "/images/$program/etc/os-release"; \
      install -D --mode=0644 /etc/ssl/certs/ca-certificates.crt "/images/$program/etc/ssl/certs/ca-certificates.crt"; \
      echo 'hosts: files dns' >"/images/$program/etc/nsswitch.conf"; \
      echo 'syncboard:x:65532:65532::/:/none' >"/images/$program/etc/passwd"; \
    done; \
    find /images -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

# Everything that a release is made of: the services' images, and the program that is all of them.
FROM build AS syncboard
COPY compose/ compose/
RUN touch compose/src/*.rs && \
    SYNCBOARD_COMMIT="$REVISION" cargo build --release --locked --offline --package compose && \
    install -D --mode=0755 target/release/syncboard /images/syncboard/syncboard

FROM scratch AS release
COPY --from=syncboard /images/ /

FROM scratch AS service
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="SyncBoard" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
STOPSIGNAL SIGTERM

FROM service AS command-service
LABEL org.opencontainers.image.title="SyncBoard command-service" \
      org.opencontainers.image.description="HTTP in, events out; with the argument assist, the assistant"
COPY --from=build /images/command-service/ /
ENV SYNCBOARD_COMMAND_LISTEN=0.0.0.0:8080 SYNCBOARD_ASSISTANT_LISTEN=0.0.0.0:8083
EXPOSE 8080
ENTRYPOINT ["/command-service"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["/command-service", "health"]

FROM service AS query-service
LABEL org.opencontainers.image.title="SyncBoard query-service" \
      org.opencontainers.image.description="HTTP in, read models out; subscriptions"
COPY --from=build /images/query-service/ /
ENV SYNCBOARD_QUERY_LISTEN=0.0.0.0:8081
EXPOSE 8081
ENTRYPOINT ["/query-service"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["/query-service", "health"]

FROM service AS projector
LABEL org.opencontainers.image.title="SyncBoard projector" \
      org.opencontainers.image.description="Events in, read models out; migrate prepares the stores"
COPY --from=build /images/projector/ /
ENV SYNCBOARD_PROJECTOR_LISTEN=0.0.0.0:8082
EXPOSE 8082
ENTRYPOINT ["/projector"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["/projector", "health"]

# The way in: nginx with its configuration, and without a secret; the certificate is mounted.
FROM ${DEBIAN_IMAGE} AS proxy
ARG VERSION=0.1.0
ARG REVISION=unknown
# Security updates of nginx are wanted: no version is pinned.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light && \
    rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/* /etc/nginx
COPY deploy/proxy/nginx.conf /etc/nginx/nginx.conf
LABEL org.opencontainers.image.title="SyncBoard proxy" \
      org.opencontainers.image.description="TLS, rate limits, and one address for both services" \
      org.opencontainers.image.vendor="SyncBoard" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
STOPSIGNAL SIGQUIT
EXPOSE 8443
ENTRYPOINT ["/usr/sbin/nginx"]
CMD ["-g", "daemon off;"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8444 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 204 ' <&3"]
