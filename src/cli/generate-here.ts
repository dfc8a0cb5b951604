import type { Caller } from '../access/authenticate.ts';
import { ensureAccount } from '../access/accounts.ts';
import { createKey, listKeys } from '../access/keys.ts';
import { newId } from '../base/ids.ts';
import { formatSize } from '../base/image.ts';
import type { ImageCall } from '../contract/call.ts';
import { fromFormFields, toEditCall } from '../contract/edits.ts';
import { ImageGenerationRequest, toImageCall, withoutAbsent } from '../contract/generations.ts';
import { validate } from '../contract/validate.ts';
import { readBalance } from '../ledger/ledger.ts';
import { binaryChunks } from '../payload/base64.ts';
import { generate } from '../pipeline/generate.ts';
import type { Answerable, Outcome } from '../requests/job.ts';
import type { Store } from '../store/store.ts';
import { suggestModel } from './catalogue.ts';
import type { Invocation } from './command.ts';
import type { Generated, GenerateTask } from './generated.ts';
import { DEFAULT_ACCOUNT, sayBootstrapped } from './home.ts';
import { formFields, type InputPictures, receivePictures } from './input-pictures.ts';
import type { OutputFiles } from './output-files.ts';
import { openLog, readConfig } from './settings.ts';

/**
 * Paints or edits in this very process, on the home of a server that may be running beside it,
 * with the test balance of the account `default`. Throws a Failure, as the API would answer it.
 */
export async function generateHere(
  invocation: Invocation,
  { body, inputs, files, signal }: GenerateTask,
): Promise<Generated> {
  const call = callOf(body, inputs);
  const config = readConfig(invocation);
  const log = openLog(invocation.environment, config);
  const { openEngine } = await import('../engine.ts');
  const engine = await openEngine({ config, log, kind: 'cli' });
  try {
    sayBootstrapped(engine.bootstrapped, config, invocation.terminal);
    const caller = await commandLineCaller(engine.store);
    signal.throwIfAborted();
    const received =
      inputs === undefined
        ? {}
        : { inputs: await receivePictures(inputs, engine.pipeline.openSpool(), signal) };
    const options = { requestId: newId('req'), signal, ...received };
    const { answer } = await generate(engine.pipeline, caller, call, options);
    return describe(answer, await follow(answer, files, signal));
  } catch (error) {
    throw suggestModel(error, call.model, engine.catalog.current());
  } finally {
    await engine.close();
  }
}

/** The call as the server would read it: an edit's out of a form. */
function callOf(body: GenerateTask['body'], inputs: InputPictures | undefined): ImageCall {
  if (inputs === undefined) {
    return toImageCall(validate(ImageGenerationRequest, withoutAbsent(body)));
  }
  const fields = withoutAbsent(fromFormFields(formFields(body)));
  return toEditCall(validate(ImageGenerationRequest, fields), {
    referenceCount: inputs.images.length,
    hasMask: inputs.mask !== undefined,
    textFields: true,
  });
}

/** Takes the job's pictures to the end. An interruption leaves the job, which gives it up. */
async function follow(job: Answerable, files: OutputFiles, signal: AbortSignal): Promise<Outcome> {
  const subscription = job.subscribe();
  const leave = (): void => subscription.close();
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) {
    leave();
  }
  try {
    for (let event = await subscription.next(); event; event = await subscription.next()) {
      switch (event.type) {
        case 'partial':
          break;
        case 'image':
          await files.write(event.image.index, binaryChunks(event.payload));
          break;
        case 'completed':
          return event.outcome;
        case 'failed':
          throw event.failure;
      }
    }
    signal.throwIfAborted();
    throw new Error('the job was left before its end');
  } finally {
    signal.removeEventListener('abort', leave);
    subscription.close();
  }
}

function describe({ facts }: Answerable, outcome: Outcome): Generated {
  const { images, cost, warnings, quality, background } = outcome;
  const [first] = images;
  const extra = { test: facts.test, seed: first?.seed, quality, background };
  return {
    id: facts.id,
    created: Math.floor(facts.createdAtMs / 1000),
    model: facts.model,
    size: first === undefined ? '' : formatSize(first),
    pictures: images,
    cost,
    warnings,
    extra: Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined)),
  };
}

/**
 * Whoever sits at this machine, as a test-mode caller. Requests are booked on a key, so it takes
 * the account's first test key that works, and makes one, whose secret nobody learns, if none does.
 */
async function commandLineCaller(store: Store): Promise<Caller> {
  const { accountId, keyId } = await store.transaction(async (tx) => {
    const accountId = await ensureAccount(tx, DEFAULT_ACCOUNT);
    const usable = (await listKeys(tx, accountId)).find(
      ({ mode, revokedAt, expiresAt }) =>
        mode === 'test' &&
        revokedAt === undefined &&
        (expiresAt === undefined || expiresAt > tx.startedAt),
    );
    if (usable !== undefined) {
      return { accountId, keyId: usable.id };
    }
    const { record } = await createKey(tx, { accountId, mode: 'test', name: 'command line' });
    return { accountId, keyId: record.id };
  });
  const { available } = await readBalance(store.db, { accountId, mode: 'test' });
  return { accountId, keyId, mode: 'test', allowedModels: undefined, available };
}
