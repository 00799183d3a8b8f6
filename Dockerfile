# The connector's image: Node and the built program, nothing else. What it promises is checked in unit_tests/image.

# What is built and installed is the same on every platform, so it happens once, on the builder's own, never emulated.
FROM --platform=$BUILDPLATFORM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts ./scripts
COPY src ./src
# As `npm run build`, on this stage's Node: the development dependency of that name would need its install script.
RUN node scripts/build.js

FROM --platform=$BUILDPLATFORM node:24-slim AS program
WORKDIR /program
COPY package.json package-lock.json ./
# Types, sources and maps of the dependencies are two thirds of them, and never loaded.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' -o -name '*.md' \) -delete \
 && find node_modules -type d -empty -delete \
 && rm package-lock.json node_modules/.package-lock.json
COPY LICENSE spec.json ./
COPY --from=build /build/dist ./dist
# Readable for any user, whatever the umask of the checkout was.
RUN chmod -R a+rX .

FROM node:24-slim
# Both equal package.json's, else a test fails.
ARG NAME=destination-iterable
ARG VERSION=0.1.0
LABEL io.airbyte.name="${NAME}" \
      io.airbyte.version="${VERSION}" \
      org.opencontainers.image.title="${NAME}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.description="An Airbyte destination that keeps Iterable's users true to a warehouse" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/node:24-slim"
# V8's own default never goes below 256 MB: in a smaller container the kernel would kill the program before V8 collects.
# Read by Node itself, from cgroup v1 and v2, so that no shell needs to stand between a signal and the program.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-old-space-size-percentage=75
COPY --from=program /program /opt/destination-iterable
# By number, so that Kubernetes can tell that it is not root. Nothing depends on it: any other will do.
USER 1000:1000
# Absolute, since orchestrators run both in a folder of their own. Airbyte's platform evaluates the variable in a shell.
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/node /opt/destination-iterable/dist/main.js"
ENTRYPOINT ["/usr/local/bin/node", "/opt/destination-iterable/dist/main.js"]
