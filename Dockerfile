# What compiles stays behind: the image holds the compiled code and the production dependencies only.
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY examples ./examples
RUN npm run build

FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY bin ./bin
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A volume that is mounted here for the first time belongs to whom it belongs to in the image.
RUN install -d -o node -g node -m 0700 /var/lib/metergate
USER node
EXPOSE 9480 9481 9464
ENTRYPOINT ["node", "bin/metergate.js"]
CMD ["serve", "--config", "/etc/metergate/metergate.yaml"]
