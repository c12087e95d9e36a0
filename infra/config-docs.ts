import { z } from 'zod';
import { configSchema, DEMO_SECRETS } from './config.js';

interface Setting {
  readonly name: string;
  readonly description: string;
  readonly defaultText: string;
  readonly secret: boolean;
}

/** Default that differs on every machine and is therefore not printed. */
const COMPUTED_DEFAULTS = new Set(['INSTANCE_NAME']);

function settings(): Setting[] {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, property]) => {
    const { description = '', default: value } = typeof property === 'object' ? property : {};
    const printed = Array.isArray(value) ? value.join(',') : value === undefined ? '' : String(value);
    return {
      name,
      description,
      defaultText: COMPUTED_DEFAULTS.has(name) ? '' : printed,
      secret: name in DEMO_SECRETS,
    };
  });
}

/** `docs/config.md` */
export function renderConfigDocs(): string {
  const rows = settings().map(
    ({ name, description, defaultText, secret }) =>
      `| \`${name}\` | ${defaultText === '' ? '' : `\`${defaultText}\``} | ${description}${secret ? ' **Secret**: the default is for demonstrations and is refused in production.' : ''} |`,
  );
  return `# Settings

Generated from \`infra/config.ts\` by \`npm run generate\`; do not edit.
Every setting \`X\` may be given as \`X_FILE\`, the path of a file that holds the value. All problems are reported together at start.

| Setting | Default | What it does |
|---|---|---|
${rows.join('\n')}
`;
}

/** `.env.example`: every setting with its default, commented out. */
export function renderEnvExample(): string {
  const blocks = settings().map(
    ({ name, description, defaultText }) => `# ${description}\n# ${name}=${defaultText}`,
  );
  return `# Generated from infra/config.ts by \`npm run generate\`. Copy to .env and uncomment what you change.
# An address given here (DATABASE_URL, REDIS_URL, KAFKA_BROKERS, TEMPORAL_ADDRESS, FLINK_REST_URL with
# FLINK_SQL_GATEWAY_URL) replaces the component that \`npm start\` would run.

${blocks.join('\n\n')}
`;
}
