# Two images of this repository, both with the versions of stack/versions.json:
#   app    the processes: docker build --target app .
#   flink  Flink with its Kafka connector and our sinks: docker build --target flink .

# --- app -------------------------------------------------------------------------------------------------------
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --no-save --ignore-scripts --no-audit --no-fund
COPY . .
RUN node stack/bootstrap.mjs build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim AS app
WORKDIR /app
ENV HOST=0.0.0.0
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/stack/versions.json ./stack/versions.json
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/dist ./dist
USER node
ENTRYPOINT ["node", "--enable-source-maps", "dist/processes/main.js"]

# --- flink -----------------------------------------------------------------------------------------------------
# Maven reads its properties from here, so that no version is written twice.
FROM node:20-bookworm-slim AS versions
COPY stack/versions.json /versions.json
RUN node -e "const v = require('/versions.json'); process.stdout.write(Object.entries(v).map(([k, x]) => '-D' + k + '=' + x).join('\n') + '\n')" > /maven.config

FROM maven:3.9-eclipse-temurin-17 AS jars
WORKDIR /build
COPY --from=versions /maven.config .mvn/maven.config
COPY stack/maven/flink.xml pom.xml
RUN mvn -q -B dependency:copy-dependencies -DoutputDirectory=/jars -DincludeArtifactIds=flink-sql-connector-kafka
COPY flink/sinks/pom.xml sinks/
COPY flink/sinks/src/main sinks/src/main
RUN mvn -q -B -f sinks/pom.xml package && cp sinks/target/flink-sinks.jar /jars/

FROM flink:2.2.1 AS flink
COPY --from=jars /jars/ /opt/flink/lib/
# A named volume takes its owner from the folder that it is mounted on.
RUN mkdir -p /data/flink/checkpoints /data/flink/savepoints && chown -R flink:flink /data/flink
