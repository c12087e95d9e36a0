import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;

/**
 * Prisma's own shadow database does not work through this adapter, so it is made and dropped here. Every opened
 * adapter is remembered, because the engine leaves them open.
 */
class MigrationAdapterFactory extends PrismaPg {
  readonly opened: Adapter[] = [];

  constructor(private readonly address: pg.PoolConfig) {
    super(address);
  }

  override async connect(): Promise<Adapter> {
    const adapter = fitted(await super.connect());
    this.opened.push(adapter);
    return adapter;
  }

  override async connectToShadowDb(): Promise<Adapter> {
    const database = `prisma_shadow_${randomUUID().replaceAll('-', '')}`;
    const admin = new pg.Client(this.address);
    await admin.connect();
    await admin.query(`CREATE DATABASE ${database}`);
    const adapter = fitted(await new PrismaPg({ ...this.address, database }).connect());
    const close = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await close();
      await admin.query(`DROP DATABASE ${database}`);
      await admin.end();
    };
    return adapter;
  }
}

/**
 * The adapter cuts scripts at every semicolon, also inside function bodies: PostgreSQL gets the whole script as one
 * message, and so as one transaction. And the engine reads the kind of a constraint as a character, which it is.
 */
function fitted(adapter: Adapter): Adapter {
  adapter.executeScript = async (script) => {
    await adapter.underlyingDriver().query(script);
  };
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    const kind = result.columnNames.indexOf('constraint_type');
    if (kind >= 0) result.columnTypes[kind] = ColumnTypeEnum.Character;
    return result;
  };
  return adapter;
}

/** Catalogue types that the adapter cannot decode, and what they are sent as: text, text[] or int8[]. */
const DECODABLE_AS: Readonly<Record<number, number>> = {
  18: 25,
  19: 25,
  1002: 1009,
  1003: 1009,
  22: 1005,
  30: 1028,
};

interface ResultPrototype {
  addFields(fields: { dataTypeID: number }[]): void;
}

/** While the engine runs, results name their catalogue columns by a type that the adapter knows. */
async function withCatalogueTypes<T>(fn: () => Promise<T>): Promise<T> {
  const require = createRequire(import.meta.url);
  const { prototype } = require('pg/lib/result.js') as { prototype: ResultPrototype };
  const original = prototype.addFields;
  prototype.addFields = function addFields(this: ResultPrototype, fields) {
    for (const field of fields) field.dataTypeID = DECODABLE_AS[field.dataTypeID] ?? field.dataTypeID;
    original.call(this, fields);
  };
  try {
    return await fn();
  } finally {
    prototype.addFields = original;
  }
}

/** The part of the WebAssembly interface that is used here; Node has it, the ES2023 library does not declare it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, unknown>,
  ) => { readonly exports: EngineExports };
}

interface EngineExports {
  __wbindgen_start(): void;
}

interface EngineGlue {
  __wbg_set_wasm(exports: EngineExports): void;
  readonly SchemaEngine: typeof SchemaEngine;
}

/** Loads the engine without a bundler: the glue module is given the instance that it would have imported. */
async function loadEngine(): Promise<typeof SchemaEngine> {
  const glue = (await import('@prisma/schema-engine-wasm/schema_engine_bg')) as unknown as EngineGlue;
  const folder = path.dirname(fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm')));
  const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const module = new api.Module(readFileSync(path.join(folder, 'schema_engine_bg.wasm')));
  const { exports } = new api.Instance(module, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return glue.SchemaEngine;
}

/** Runs `fn` with an engine on this database and closes every connection that the engine opened. */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  datamodels: [string, string][],
  fn: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const engineClass = await loadEngine();
  const factory = new MigrationAdapterFactory(addressOf(databaseUrl));
  return withCatalogueTypes(async () => {
    try {
      const engine = await engineClass.new(
        { datamodels },
        () => undefined,
        bindMigrationAwareSqlAdapterFactory(factory),
      );
      return await fn(engine);
    } finally {
      for (const adapter of factory.opened) await adapter.dispose();
    }
  });
}

function addressOf(databaseUrl: string): pg.PoolConfig {
  const url = new URL(databaseUrl);
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
  };
}
