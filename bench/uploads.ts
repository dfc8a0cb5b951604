import { type EditForm, makeEditForm, makeNoisePicture } from './edit-form.ts';
import { type EditsUpstream, startEditsUpstream } from './edits-upstream.ts';
import { runUploadsLane, type UploadsResult } from './lanes/uploads.ts';
import { describeMachine } from './machine.ts';
import { type Options, refuseSystems } from './options.ts';
import { watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { temporaryFolder } from './processes.ts';
import { UPLOAD_ENGINES, type UploadEngine } from './upload-engines.ts';
import { type UploadRow, uploadsReport } from './uploads-report.ts';

const EDITS = 16;
const PICTURES = 4;
const PICTURE_PIXELS = 2_000;
const IDLE_MS = 3_000;
const LATER_MS = 30_000;
const QUICK_IDLE_MS = 1_000;
const QUICK_LATER_MS = 5_000;

/** `npm run bench -- uploads`: whether many large edits at once cost memory, and leave files. */
export async function uploadsBench(options: Options): Promise<Outcome> {
  const { say, quick } = options;
  refuseSystems(options);
  const othersShare = watchOthers();
  const folder = temporaryFolder();
  say('making the pictures');
  const seeds = Array.from({ length: PICTURES }, (_, index) => index + 1);
  const pictures = await Promise.all(
    seeds.map((seed) => makeNoisePicture({ width: PICTURE_PIXELS, height: PICTURE_PIXELS, seed })),
  );
  const upstream = await startEditsUpstream(folder);
  const rows: UploadRow[] = [];
  const failures: string[] = [];
  for (const engine of UPLOAD_ENGINES) {
    say(`${engine.title}: ${EDITS} edits at once`);
    const fields = { model: engine.model, prompt: 'make it night', quality: 'low' };
    const form = makeEditForm(fields, pictures);
    try {
      const figures = await measureEngine({ engine, form, upstream, folder, quick });
      rows.push({ engine, figures });
    } catch (error) {
      failures.push(`${engine.title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await upstream.stop();
  const report = uploadsReport({
    rows,
    failures,
    edits: EDITS,
    pictureBytes: pictures.map((picture) => picture.length),
    idleSeconds: (quick ? QUICK_IDLE_MS : IDLE_MS) / 1000,
    laterSeconds: (quick ? QUICK_LATER_MS : LATER_MS) / 1000,
    quick,
    othersShare: othersShare(),
    machine: describeMachine(),
  });
  return { report, failures };
}

interface Measured {
  readonly engine: UploadEngine;
  readonly form: EditForm;
  readonly upstream: EditsUpstream;
  readonly folder: string;
  readonly quick: boolean;
}

/** Throws, too, when the upstream did not get every picture: then nothing was shown. */
async function measureEngine(measured: Measured): Promise<UploadsResult> {
  const { engine, form, upstream, folder, quick } = measured;
  const isPassedOn = engine.keyKind === 'live';
  const before = await upstream.received();
  const figures = await runUploadsLane({
    name: engine.name,
    keyKind: engine.keyKind,
    upstreamUrl: upstream.url,
    folder,
    form,
    edits: EDITS,
    payloadBytes: isPassedOn ? upstream.payloadBytes : undefined,
    idleMs: quick ? QUICK_IDLE_MS : IDLE_MS,
    laterMs: quick ? QUICK_LATER_MS : LATER_MS,
  });
  const after = await upstream.received();
  const receivedBytes = after.bytes - before.bytes;
  // The one for warming up is among them.
  const dueBytes = (EDITS + 1) * form.pictureBytes.reduce((sum, bytes) => sum + bytes, 0);
  if (isPassedOn ? receivedBytes < dueBytes : receivedBytes > 0) {
    throw new Error(`void: the upstream got ${receivedBytes} bytes`);
  }
  return figures;
}
