import { RESPONSES, rowOf } from './openapi-errors.ts';

export type Schema = Record<string, unknown>;

/** zod bounds every integer by what a double holds exactly: noise in a document for people. */
export function dropSafeIntegerBounds(schema: Schema): void {
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) {
    delete schema['minimum'];
  }
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) {
    delete schema['maximum'];
  }
}

/**
 * What the generator cannot do: one name a schema (it writes `X` and `XInput`), no schemas that
 * nothing refers to, error answers as references to component responses, and headers as parameters.
 */
export function finishDocument(document: Schema): Schema {
  const components = document['components'] as { schemas: Record<string, Schema> } & Schema;
  for (const schema of Object.values(components.schemas)) {
    walk(schema, dropSafeIntegerBounds);
  }
  for (const pathItem of Object.values(document['paths'] as Record<string, Schema>)) {
    for (const operation of Object.values(pathItem) as Operation[]) {
      shareErrorResponses(operation.responses);
      addHeaders(operation);
    }
  }
  const shared = { responses: componentResponses(), parameters: HEADERS };
  const finished = { ...document, components: { ...components, ...shared } };
  renameInputs(finished, components.schemas);
  prune(finished, components.schemas);
  return finished;
}

interface Operation extends Schema {
  readonly operationId: string;
  readonly responses: Schema;
}

/** Headers that a request may carry: those of a route's schema would be checked, and cut down. */
const HEADERS = {
  IdempotencyKey: header('Idempotency-Key', {
    description:
      'Up to 255 characters. The same key with the same body gives the same answer, at no charge.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  }),
  Prefer: header('Prefer', {
    description:
      '`respond-async`: answer 202 at once. `wait=N`: wait for the end, N seconds at most.',
    schema: { type: 'string' },
    example: 'respond-async, wait=10',
  }),
  Range: header('Range', {
    description: 'One range of bytes.',
    schema: { type: 'string' },
    example: 'bytes=0-1023',
  }),
} satisfies Record<string, Schema>;

const HEADERS_OF: Readonly<Record<string, readonly (keyof typeof HEADERS)[]>> = {
  createImage: ['IdempotencyKey', 'Prefer'],
  editImage: ['IdempotencyKey', 'Prefer'],
  getImage: ['Prefer'],
  getImageContent: ['Range'],
};

function header(name: string, rest: Schema): Schema {
  return { name, in: 'header', required: false, ...rest };
}

function addHeaders(operation: Operation): void {
  const names = HEADERS_OF[operation.operationId] ?? [];
  if (names.length > 0) {
    const added = names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
    operation['parameters'] = [
      ...((operation['parameters'] as Schema[] | undefined) ?? []),
      ...added,
    ];
  }
}

function shareErrorResponses(byStatus: Schema): void {
  for (const [name, { example }] of Object.entries(RESPONSES)) {
    const status = String(rowOf(example).status);
    if (status in byStatus) {
      byStatus[status] = { $ref: `#/components/responses/${name}` };
    }
  }
}

function componentResponses(): Schema {
  const entries = Object.entries(RESPONSES).map(([name, { example, description }]) => {
    const { message, type, code } = rowOf(example);
    const content = {
      schema: { $ref: '#/components/schemas/Error' },
      example: { error: { message, type, code, param: null } },
    };
    return [name, { description, content: { 'application/json': content } }];
  });
  return Object.fromEntries(entries) as Schema;
}

const SCHEMA_PREFIX = '#/components/schemas/';

/** Requests refer to `XInput`; where nothing refers to an output `X`, the name becomes `X`. */
function renameInputs(document: Schema, schemas: Record<string, Schema>): void {
  const used = references(document);
  for (const name of Object.keys(schemas).filter((key) => key.endsWith('Input'))) {
    const plain = name.slice(0, -'Input'.length);
    const schema = schemas[name];
    if (schema === undefined || !used.has(name) || used.has(plain)) {
      continue;
    }
    schemas[plain] = schema;
    walk(document, (node) => {
      if (node['$ref'] === SCHEMA_PREFIX + name) {
        node['$ref'] = SCHEMA_PREFIX + plain;
      }
    });
  }
}

/** Takes out schemas until every one that is left is referred to. */
function prune(document: Schema, schemas: Record<string, Schema>): void {
  for (;;) {
    const used = references(document);
    const unused = Object.keys(schemas).filter((name) => !used.has(name));
    if (unused.length === 0) {
      return;
    }
    for (const name of unused) {
      delete schemas[name];
    }
  }
}

function references(document: Schema): Set<string> {
  const found = new Set<string>();
  walk(document, (node) => {
    const reference = node['$ref'];
    if (typeof reference === 'string' && reference.startsWith(SCHEMA_PREFIX)) {
      found.add(reference.slice(SCHEMA_PREFIX.length));
    }
  });
  return found;
}

function walk(node: unknown, visit: (schema: Schema) => void): void {
  if (typeof node !== 'object' || node === null) {
    return;
  }
  if (!Array.isArray(node)) {
    visit(node as Schema);
  }
  for (const child of Object.values(node)) {
    walk(child, visit);
  }
}
