import type { EgressAnswer } from '../../egress/egress.ts';
import type { Payload } from '../../payload/payload.ts';
import type { JsonPath } from '../../payload/splice.ts';
import { countOf, type Fields, fieldsOf, textOf } from '../answer-fields.ts';
import type { ProviderContext, ProviderEvent, Receipt } from '../provider.ts';
import { spliceAnswerEvents } from '../splice-answer.ts';
import { brokenAnswer } from '../upstream-errors.ts';
import { receiptOf } from './receipt.ts';
import { refusalInside } from './refusal.ts';

export interface StreamReading {
  readonly provider: string;
  readonly context: ProviderContext;
  /** How many partial pictures were asked for; more are not passed on. */
  readonly partialImages: number;
}

/** One event's data while it arrives. */
interface Arriving {
  name: string | undefined;
  /** A payload that waits for the event's other fields. */
  kept: Payload | undefined;
  /** Whether the final picture has been passed on while it arrived. */
  isGiven: boolean;
}

/**
 * Reads the event stream of one picture (openai 7.55.0 `resources/images.d.ts`, `core/streaming`,
 * November 2026), of a generation or an edit. The final picture passes through as it arrives; a
 * partial one waits for the end of its event, since its number may stand behind it. Ends with the
 * `completed` event: nothing that comes later concerns the picture.
 */
export async function* readStreamAnswer(
  answer: EgressAnswer,
  { provider, context, partialImages }: StreamReading,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  let event: Arriving = newEvent(undefined);
  let partials = 0;
  const options = { keys: ['b64_json'], payloadBytesMin: 1 };
  for await (const part of spliceAnswerEvents(provider, answer, options)) {
    if (part.type === 'event') {
      event = newEvent(part.name);
    } else if (part.type === 'payload') {
      if (isCompleted(event.name) && isPicture(part.path)) {
        event.isGiven = true;
        yield { type: 'image', payload: part.payload };
      } else if (isPicture(part.path) && !(isPartial(event.name) && partials === partialImages)) {
        event.kept = await context.spool(part.payload);
      }
    } else {
      const document = fieldsOf(part.value);
      // Some proxies name no event, or call each of them `message`.
      const type = isKnown(event.name) ? event.name : textOf(document['type']);
      if (type === 'error' || document['error'] !== undefined) {
        throw refusalInside(provider, errorDocument(document));
      }
      if (isCompleted(type)) {
        yield* keptImage(provider, event);
        return receiptOf(document, answer.headers);
      }
      if (isPartial(type) && event.kept !== undefined && partials < partialImages) {
        const partialIndex = countOf(document['partial_image_index']) ?? partials;
        partials += 1;
        yield { type: 'partial', index: 0, partialIndex, payload: event.kept };
      }
    }
  }
  throw brokenAnswer(provider, 'the stream ended without a completed event');
}

function newEvent(name: string | undefined): Arriving {
  return { name, kept: undefined, isGiven: false };
}

function isPicture(path: JsonPath): boolean {
  return path.length === 1;
}

function isKnown(type: string | undefined): boolean {
  return type === 'error' || isCompleted(type) || isPartial(type);
}

function isCompleted(type: string | undefined): boolean {
  return type === 'image_generation.completed' || type === 'image_edit.completed';
}

function isPartial(type: string | undefined): boolean {
  return type === 'image_generation.partial_image' || type === 'image_edit.partial_image';
}

/** The final picture of an event whose type was known only at its end. */
function* keptImage(
  provider: string,
  { kept, isGiven }: Arriving,
): Generator<ProviderEvent, void, void> {
  if (kept !== undefined) {
    yield { type: 'image', payload: kept };
  } else if (!isGiven) {
    throw brokenAnswer(provider, 'a completed event without a picture');
  }
}

/** An `error` event holds its error in a field, or is the error itself. */
function errorDocument(document: Fields): Fields {
  return document['error'] === undefined ? { error: document } : document;
}

/** Whether the answer is a stream of events, whatever was asked for. */
export function isEventStream({ headers }: EgressAnswer): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') === true;
}
