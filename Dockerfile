# The program alone in an image without a shell. frontend/dist is committed and embedded, so Go is all that is needed.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/aihub . && mkdir -m 0700 /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/aihub /aihub
# Of the embedded database and bus; with MONGODB_URI and NATS_URL it stays empty.
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV AIHUB_ADDR=0.0.0.0:8080 AIHUB_OPS_ADDR=0.0.0.0:9090 AIHUB_DATA=/data
VOLUME /data
EXPOSE 8080 9090
USER nonroot
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["/aihub", "healthcheck"]
ENTRYPOINT ["/aihub"]
