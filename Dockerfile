# Easel as an image: docs/guides/deploying.md says how to use it.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# The pinned Node among the development packages goes with them: the image has its own.
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
# A new volume takes its owner from the folder that it is mounted on.
RUN mkdir --mode=0700 /data /results && chown node:node /data /results
WORKDIR /app
COPY package.json LICENSE easel.example.yaml ./
COPY bin ./bin
COPY catalog ./catalog
COPY docs ./docs
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 EASEL_HOME=/data
USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM goes to Easel itself, which lets what runs finish first.
ENTRYPOINT ["node", "bin/easel.mjs", "serve"]
