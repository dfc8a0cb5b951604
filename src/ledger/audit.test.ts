import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { finishRequest } from '../store/request-ends.ts';
import { insertRequest } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import { openTestStore, type TestStore } from '../store/test-store.ts';
import { audit } from './audit.ts';
import { hold, release } from './ledger.ts';
import { addAccount } from './test-accounts.ts';
import { settle } from './test-settle.ts';

const KEY = { accountId: 'acct_1', mode: 'test' } as const;

async function run(store: Store, id: string): Promise<void> {
  await store.transaction(async (tx) => {
    await insertRequest(tx, {
      ...KEY,
      id,
      requestId: `req_${id}`,
      operation: 'generate',
      model: 'gpt-image-1',
      n: 1,
      held: 10n,
      leaseId: 'lease_1',
    });
    assert.ok(await hold(tx, { ...KEY, requestId: id, amount: 10n, leaseId: 'lease_1' }));
  });
}

/** One request in every state: running, completed below and above its hold, failed. */
async function populate(context: TestContext): Promise<TestStore> {
  const made = await openTestStore(context);
  const { store } = made;
  await addAccount(store, { ...KEY, amount: 1_000n });
  await addAccount(store, { accountId: 'acct_2', mode: 'test', amount: 1_000n });
  for (const id of ['img_running', 'img_under', 'img_over', 'img_failed']) {
    await run(store, id);
  }
  for (const { id, cost } of [
    { id: 'img_under', cost: 8n },
    { id: 'img_over', cost: 12n },
  ]) {
    await store.transaction(async (tx) => {
      await settle(tx, { requestId: id, cost });
      await finishRequest(tx, { id, status: 'completed', cost });
    });
  }
  await store.transaction(async (tx) => {
    await release(tx, { requestId: 'img_failed' });
    await finishRequest(tx, { id: 'img_failed', status: 'failed' });
  });
  return made;
}

const TRANSFER_COLUMNS =
  'id, account_id, mode, kind, amount, overrun, request_id, lease_id, note, created_at';

function insertTransfer(values: string): string {
  return `insert into transfers (${TRANSFER_COLUMNS}) values (${values})`;
}

const CORRUPTIONS: { name: string; statement: string; problem: RegExp }[] = [
  {
    name: 'a balance that its transfers do not make',
    statement: `update balances set balance = 981 where account_id = 'acct_1' and mode = 'test'`,
    problem: /test balance of acct_1: balance is 0\.000000981 USD, .* make 0\.00000098 USD/,
  },
  {
    name: 'a held amount that no open holds make',
    statement: `update balances set held = 0 where account_id = 'acct_1' and mode = 'test'`,
    problem: /test balance of acct_1: held is 0 USD, .* make 0\.00000001 USD/,
  },
  {
    name: 'a spent amount that no settlements make',
    statement: `update balances set spent = 7 where account_id = 'acct_1' and mode = 'test'`,
    problem: /test balance of acct_1: spent is/,
  },
  {
    name: 'a balance that is gone',
    statement: `delete from balances where account_id = 'acct_1' and mode = 'test'`,
    problem: /test balance of acct_1 has transfers but no balance/,
  },
  {
    name: 'money on an account without transfers',
    statement: `update balances set balance = 5 where account_id = 'acct_1' and mode = 'live'`,
    problem: /live balance of acct_1: balance is 0\.000000005 USD, .* make 0 USD/,
  },
  {
    name: 'a transfer that was removed',
    statement: `delete from transfers where id = 'end_img_under'`,
    problem: /Request img_under is completed, but its hold is still open/,
  },
  {
    name: 'a transfer that was changed',
    statement: `update transfers set amount = 9 where id = 'end_img_under'`,
    problem: /Request img_under records a cost of 0\.000000008 USD, but 0\.000000009 USD was/,
  },
  {
    name: 'a second resolution',
    statement: insertTransfer(
      `'end_again', 'acct_1', 'test', 'release', 10, 0, 'img_under', null, null, 0`,
    ),
    problem: /The hold for img_under is resolved more than once/,
  },
  {
    name: 'a resolution under an id that is not its own',
    statement: insertTransfer(
      `'end_other', 'acct_1', 'test', 'release', 10, 0, 'img_running', null, null, 0`,
    ),
    problem: /release end_other does not have the id that belongs to request img_running/,
  },
  {
    name: 'a resolution of nothing',
    statement: insertTransfer(
      `'end_img_x', 'acct_1', 'test', 'settle', 0, 0, 'img_x', null, null, 0`,
    ),
    problem: /settle end_img_x resolves a hold that is not there/,
  },
  {
    name: 'a resolution on another account',
    statement: `update transfers set account_id = 'acct_2' where id = 'end_img_under'`,
    problem: /end_img_under on the test balance of acct_2 resolves a hold on the test .* acct_1/,
  },
  {
    name: 'a resolution in the other mode',
    statement: `update transfers set mode = 'live' where id = 'end_img_under'`,
    problem: /end_img_under on the live balance of acct_1 resolves a hold on the test balance/,
  },
  {
    name: 'an overrun that is hidden',
    statement: `update transfers set overrun = 0 where id = 'end_img_over'`,
    problem: /hold of 0\.00000001 USD records an overrun of 0 USD instead of 0\.000000002 USD/,
  },
  {
    name: 'an overrun that is made up',
    statement: `update transfers set overrun = 4 where id = 'end_img_under'`,
    problem: /settle end_img_under .* instead of 0 USD/,
  },
  {
    name: 'an overrun on a release',
    statement: `update transfers set overrun = 4 where id = 'end_img_failed'`,
    problem: /release end_img_failed records an overrun of 0\.000000004 USD/,
  },
  {
    name: 'a release of another amount than was held',
    statement: `update transfers set amount = 9 where id = 'end_img_failed'`,
    problem: /release end_img_failed gives back 0\.000000009 USD of a hold of 0\.00000001 USD/,
  },
  {
    name: 'a negative amount',
    statement: insertTransfer(`'tr_1', 'acct_2', 'test', 'credit', -5, 0, null, null, null, 0`),
    problem: /credit tr_1 has a negative amount: -0\.000000005 USD/,
  },
  {
    name: 'a balance further below zero than its overruns',
    statement: `update transfers set amount = 0 where kind = 'credit' and account_id = 'acct_1'`,
    problem: /acct_1 is -0\.00000002 USD, further below zero than .* 0\.000000002 USD allow/,
  },
  {
    name: 'a running request without a hold',
    statement: `delete from transfers where id = 'hold_img_running'`,
    problem: /Request img_running is running without an open hold/,
  },
  {
    name: 'a running request whose hold is resolved',
    statement: `update requests set status = 'running' where id = 'img_failed'`,
    problem: /Request img_failed is running without an open hold/,
  },
  {
    name: 'a finished request whose hold is open',
    statement: `update requests set status = 'lost' where id = 'img_running'`,
    problem: /Request img_running is lost, but its hold is still open/,
  },
  {
    name: 'a completed request that was never settled',
    statement: `update requests set status = 'completed' where id = 'img_failed'`,
    problem: /Request img_failed is completed, but its hold was never settled/,
  },
  {
    name: 'a cost that was not settled',
    statement: `update requests set cost = 7 where id = 'img_under'`,
    problem: /Request img_under records a cost of 0\.000000007 USD, but 0\.000000008 USD was/,
  },
  {
    name: 'a completed request without a cost',
    statement: `update requests set cost = null where id = 'img_under'`,
    problem: /Request img_under records no cost, but 0\.000000008 USD was settled/,
  },
  {
    name: 'a request of another account than its hold',
    statement: `update requests set account_id = 'acct_2' where id = 'img_under'`,
    problem: /Request img_under belongs to another account or mode than its hold/,
  },
];

test('a sound ledger has no problems', async (context) => {
  const { store } = await populate(context);
  assert.deepEqual(await audit(store), {
    ok: true,
    problems: [],
    accounts: 4,
    transfers: 9,
    openHolds: 1,
  });
});

for (const { name, statement, problem } of CORRUPTIONS) {
  test(`the audit finds ${name}`, async (context) => {
    const { store, damage } = await populate(context);
    assert.equal(await damage(statement), 1, 'the corruption is really there');
    const report = await audit(store);
    assert.equal(report.ok, false);
    assert.ok(
      report.problems.some((sentence) => problem.test(sentence)),
      report.problems.join('\n'),
    );
  });
}
