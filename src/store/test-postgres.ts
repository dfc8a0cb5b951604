import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/**
 * For tests: where `npm test` has a PostgreSQL server, if these tests are to run on it. The same test
 * files run on SQLite, without this variable.
 */
export function testServer(): string | undefined {
  return process.env['EASEL_TEST_POSTGRES_URL'];
}

/** Makes an empty database there; `drop` takes it away with whatever still uses it. */
export async function createTestDatabase(
  server: string,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `easel_test_${randomBytes(8).toString('hex')}`;
  await ask(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await ask(server, `drop database ${name} with (force)`);
    },
  };
}

/** A statement without the checks and references of the tables, which are gone from then on. */
export async function damageDatabase(url: string, statement: string): Promise<number> {
  const dropped = await ask(
    url,
    `do $$ declare c record; begin
       for c in select conrelid::regclass as tab, conname from pg_constraint
         where contype in ('c', 'f') and connamespace = 'public'::regnamespace
           and coninhcount = 0 and conparentid = 0
       loop execute format('alter table %s drop constraint %I', c.tab, c.conname); end loop;
     end $$`,
  );
  return dropped + (await ask(url, statement));
}

/** How many rows it changed. */
async function ask(url: string, sql: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query(sql);
    return rowCount ?? 0;
  } finally {
    await client.end();
  }
}
