import { describe, expect, it } from 'vitest';
import { quoted, readStatement, render, splitParts, statementHash } from './render-statement.js';
import { COMMON_SETTINGS, connectionVariables, STATEMENTS } from './statements.js';

/** `${name}`, as it stands in the .sql files. */
const variable = (name: string) => `${'$'}{${name}}`;
const connection = {
  KAFKA_BROKERS: ['b1:1', 'b2:2'],
  REDIS_URL: 'redis://r',
  TOPIC_PREFIX: 't-',
  FLINK_DATABASE_URL: 'postgres://flink%20user:p%27w@db:5432/ads?sslmode=require',
  FLINK_MATCH_WATERMARK_SECONDS: 60,
};

describe('statements as text', () => {
  it('splits at lines that hold nothing but a semicolon', () => {
    expect(splitParts('CREATE a\n;\nSET BEGIN\nINSERT b;\nEND\n;\n')).toEqual([
      'CREATE a',
      'SET BEGIN\nINSERT b;\nEND',
    ]);
  });

  it('refuses a variable that nobody defined', () => {
    expect(render(`a ${variable('B')} c`, { B: 'x' })).toBe('a x c');
    expect(() => render(variable('MISSING'), {})).toThrow('MISSING');
  });

  it('doubles quotes inside literals', () => {
    expect(quoted("it's")).toBe("it''s");
  });

  it.each(STATEMENTS)('$name renders with the variables that it has', (spec) => {
    const text = readStatement(spec.name, spec.tables);
    const variables = { ...spec.rules, ...connectionVariables(connection, spec.name) };
    const rendered = [...text.tables, ...text.parts].map((part) => render(part, variables)).join('\n');
    expect(rendered).not.toMatch(/\$\{/);
    expect(rendered).toContain("'t-ad-events'");
    expect(rendered).toContain("'b1:1,b2:2'");
  });

  it.each(STATEMENTS)(
    '$name never takes a partition for idle: one that was only slow would lose its rows',
    (spec) => {
      const text = readStatement(spec.name, spec.tables);
      const sql = [...text.tables, ...text.parts].join('\n').replace(/--.*$/gm, '');
      expect(sql).toContain('eventTime');
      expect(sql).not.toMatch(/idle/i);
      expect(Object.keys({ ...COMMON_SETTINGS, ...spec.settings }).join('\n')).not.toMatch(/idle/i);
    },
  );

  it.each(STATEMENTS)(
    '$name names its table functions: Flink draws other names for each job, and no state fits',
    (spec) => {
      const sql = readStatement(spec.name, spec.tables).parts.join('\n').replace(/--.*$/gm, '');
      expect(sql.match(/=> TABLE/g)?.length ?? 0).toBe(sql.match(/uid => /g)?.length ?? 0);
    },
  );

  it('tells Flink the database as JDBC wants it, without its password, and long watermark delays as an interval', () => {
    const variables = connectionVariables(connection, 'conversion-match-24h');
    expect(variables).toMatchObject({
      DATABASE_URL: 'jdbc:postgresql://db:5432/ads?sslmode=require',
      DATABASE_USER: 'flink user',
      DATABASE_PASSWORD: "p''w",
      MATCH_WATERMARK_DELAY: '1:00',
    });
    const short = { ...connection, FLINK_MATCH_WATERMARK_SECONDS: 5 };
    expect(connectionVariables(short, 'conversion-match-24h').MATCH_WATERMARK_DELAY).toBe('0:05');
  });

  it('tells Flink user and password of Redis apart from its address, which Flink does not mask', () => {
    const secured = {
      ...connection,
      FLINK_REDIS_URL: 'rediss://fl%3Aink:p%40%27w@redis.example:6380/3',
      FLINK_REDIS_CA_FILE: '/etc/ca.pem',
    };
    expect(connectionVariables(secured, 'rtb-ranking')).toMatchObject({
      REDIS_URL: 'rediss://redis.example:6380/3',
      REDIS_USER: 'fl:ink',
      REDIS_PASSWORD: "p@''w",
      REDIS_CA_FILE: '/etc/ca.pem',
    });
    expect(connectionVariables(connection, 'rtb-ranking')).toMatchObject({
      REDIS_URL: 'redis://r',
      REDIS_USER: '',
      REDIS_PASSWORD: '',
      REDIS_CA_FILE: '',
    });
  });

  it('identity: rules, text and planner settings count; connections, comments and pace do not', () => {
    const text = {
      tables: [`CREATE TABLE t WITH ('x' = '${variable('KAFKA_BROKERS')}')`],
      parts: [`SELECT ${variable('DEPTH')}`],
    };
    const hash = statementHash(text, { DEPTH: '200' }, COMMON_SETTINGS);
    expect(statementHash(text, { DEPTH: '100' }, COMMON_SETTINGS)).not.toBe(hash);
    expect(statementHash({ ...text, parts: ['SELECT 1'] }, { DEPTH: '200' }, COMMON_SETTINGS)).not.toBe(hash);
    expect(statementHash(text, { DEPTH: '200' }, { ...COMMON_SETTINGS, 'table.x': '1' })).not.toBe(hash);
    const commented = { ...text, parts: [`-- why\nSELECT ${variable('DEPTH')}`] };
    const slower = { ...COMMON_SETTINGS, 'execution.checkpointing.interval': '9 s' };
    expect(statementHash(commented, { DEPTH: '200' }, slower)).toBe(hash);
  });
});
