import { mediaType } from '../../base/image.ts';
import { formatUsd } from '../../base/money.ts';
import { binaryChunks } from '../../payload/base64.ts';
import type { EventReader, JobFacts } from '../../requests/job.ts';
import type { Answer } from '../answer.ts';

/** Whether an `Accept` header asks for the picture itself and not for JSON. */
export function wantsPicture(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((type) => type.split(';', 1)[0]?.trim() ?? '');
  return types.some((type) => type.startsWith('image/')) && !types.includes('application/json');
}

/**
 * Writes the job's one picture as the body. The charge stands in `x-easel-cost`: in the headers
 * when it is known before the picture is there, in the trailers otherwise.
 */
export async function renderPicture(
  answer: Answer,
  facts: JobFacts,
  reader: EventReader,
): Promise<void> {
  let whole = true;
  for (let event = await reader.next(); event; event = await reader.next()) {
    switch (event.type) {
      case 'partial':
        break;
      case 'image': {
        const { fixedCost } = facts;
        answer.start({
          'content-type': mediaType(event.image.format),
          ...(fixedCost === undefined ? {} : { 'x-easel-cost': formatUsd(fixedCost) }),
          ...(fixedCost === undefined && answer.isChunked ? { trailer: 'x-easel-cost' } : {}),
        });
        whole = await answer.writeAll(binaryChunks(event.payload));
        break;
      }
      case 'completed': {
        if (!whole) {
          answer.destroy();
          return;
        }
        const { cost } = event.outcome;
        const isTrailing = facts.fixedCost === undefined && answer.isChunked;
        answer.end(isTrailing ? { 'x-easel-cost': formatUsd(cost) } : undefined);
        return;
      }
      case 'failed':
        if (!answer.started) {
          throw event.failure;
        }
        answer.destroy();
        return;
    }
  }
}
