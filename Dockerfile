# The bot as an image: one static binary, the roots it trusts, and a place for its
# database. Build it with
#
#   docker build -t autoscalebot .
#
# (make docker adds the labels) and run it with a volume at /data, or with
# DATABASE_URL=postgres://….
#
# The base is pinned by its tag: no digest of it could be verified where this was
# written. docker buildx imagetools inspect golang:1.26 tells the one of today.
# Nothing of it but the CA certificates gets into the last stage.

# Runs on the machine that builds, whatever the image is for: Go compiles across.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
# The modules first: they change less often than the code.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION TARGETOS TARGETARCH
# Without VERSION, git tells it. timetzdata: a policy may name a time zone, and an empty
# image has none.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -tags timetzdata \
        -ldflags "-s -w -X main.version=${VERSION:-$(git describe --tags --always || true)}" \
        -o /out/bot ./cmd/bot \
    && mkdir -p /out/data /out/etc/ssl/certs \
    && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/

FROM scratch
ARG VERSION REVISION
LABEL org.opencontainers.image.title="autoscalebot" \
      org.opencontainers.image.description="Change autoscaling of Baseten deployments from Slack" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/bot /bot
# An empty folder: in an image without a shell this is how /data gets its owner.
COPY --from=build --chown=65532:65532 /out/data /data
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 65532:65532
# SQLite writes its temporary files here: there is no /tmp.
WORKDIR /data
VOLUME /data
# Inside a container the health page must be reachable from outside it.
ENV HTTP_ADDR=:8080 \
    DATABASE_URL=sqlite:/data/autoscale.db
EXPOSE 8080
# No HEALTHCHECK: there is no program here to ask with. Probe /healthz and /readyz.
ENTRYPOINT ["/bot"]
