import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { type Easel, startEasel } from '../support/harness.ts';
import { asArray, asObject, asString, type JsonObject } from '../support/json.ts';

/** The vendor's page, where it lies beside the repository; its prose is not ours to publish. */
const PAGE = new URL('../../../shared/spec/deepshi-generate-openapi.txt', import.meta.url);
/** What is left of that page without its prose: facts only. */
const SHAPE = new URL('spec/generate-openapi.shape.yaml', import.meta.url);
const SHAPE_HEAD = `# The facts of the OpenAPI page that Easel implements, without a word of its prose.
# Made by openapi.test.ts: UPDATE_SHAPE=1 node --test test/conformance/openapi.test.ts
`;

let easel: Easel;
let ours: JsonObject;

before(async () => {
  easel = await startEasel();
  const response = await fetch(`${easel.url}/openapi.json`);
  assert.equal(response.status, 200);
  ours = asObject(await response.json());
});

after(() => easel.close());

test('all that the OpenAPI page promises is in /openapi.json', () => {
  const theirs = readShape();
  assert.deepEqual(gaps(theirs, ours, { theirs, ours }), []);
});

test('a request needs no more fields than the page requires', () => {
  const requiredBy = (document: JsonObject): unknown => {
    const { schemas } = asObject(document['components']);
    return asObject(asObject(schemas)['ImageGenerationRequest'])['required'];
  };
  assert.deepEqual(requiredBy(ours), requiredBy(readShape()));
});

test('the shape file is the page without its prose', { skip: whyNoPage() }, () => {
  assert.deepEqual(readShape(), stripProse(readPage()));
});

test('the comparison finds what is missing, narrower or of another type', () => {
  const theirs = {
    paths: { '/a': { post: { tags: ['A'] } } },
    components: {
      schemas: {
        A: {
          type: 'object',
          required: ['n'],
          properties: {
            n: { type: 'integer', minimum: 1 },
            url: { type: 'string', nullable: true },
            mode: { type: 'string', enum: ['x', 'y'] },
            free: { type: 'string' },
            other: { $ref: '#/components/schemas/B' },
          },
        },
        B: { type: 'number', format: 'int64' },
      },
    },
  };
  const lacking = {
    paths: { '/a': { post: { tags: [] } } },
    components: {
      schemas: {
        A: {
          type: 'object',
          required: [],
          properties: {
            n: { type: 'number', minimum: 2 },
            url: { type: 'string' },
            mode: { type: 'string', enum: ['x'] },
            free: { type: 'string', enum: ['x'] },
          },
        },
        B: { type: 'number' },
      },
    },
  };
  const found = gaps(theirs, lacking, { theirs, ours: lacking });
  const schema = 'components.schemas.A';
  assert.deepEqual(found, [
    'paths./a.post.tags lacks "A"',
    `${schema}.required lacks "n"`,
    `${schema}.properties.n.type is number, not integer`,
    `${schema}.properties.n.minimum is 2, not 1`,
    `${schema}.properties.url.type is string, not null|string`,
    `${schema}.properties.mode.enum lacks "y"`,
    `${schema}.properties.free.enum is narrower than the page`,
    `${schema}.properties.other is missing`,
    'components.schemas.B.format is missing',
  ]);
  assert.deepEqual(gaps(theirs, theirs, { theirs, ours: theirs }), []);
  const nullable = { type: 'string', nullable: true };
  for (const same of [
    { type: ['string', 'null'] },
    { anyOf: [{ type: 'string' }, { type: 'null' }] },
  ]) {
    assert.deepEqual(gaps(nullable, same, { theirs: {}, ours: {} }), []);
  }
});

test('the document is OpenAPI 3.1: every reference resolves, every operation is described', () => {
  assert.match(asString(ours['openapi']), /^3\.1\.\d$/);
  for (const reference of references(ours)) {
    assert.notEqual(resolve({ $ref: reference }, ours), undefined, `${reference} leads nowhere`);
  }
  const tags = asArray(ours['tags']).map((tag) => asObject(tag)['name']);
  const ids = new Set<string>();
  for (const { label, path, operation } of operations(ours)) {
    const id = asString(operation['operationId']);
    assert(!ids.has(id), `${label}: ${id} is used twice`);
    ids.add(id);
    assert.match(asString(operation['summary']), /^[A-Z]/, label);
    const named = asArray(operation['tags']);
    assert(named.length > 0, `${label} has no tag`);
    assert.deepEqual(
      named.filter((tag) => !tags.includes(tag)),
      [],
      `${label}: undeclared tag`,
    );
    const responses = Object.entries(asObject(operation['responses']));
    assert(responses.length > 0, `${label} has no responses`);
    for (const [status, response] of responses) {
      const resolved = asObject(resolve(response, ours));
      assert.match(status, /^[1-5]\d\d$/, label);
      assert.equal(typeof resolved['description'], 'string', `${label} ${status}`);
      assert.equal('content' in resolved, status !== '304', `${label} ${status} content`);
    }
    const declared = asArray(operation['parameters'] ?? [])
      .map((parameter) => asObject(resolve(parameter, ours)))
      .filter((parameter) => parameter['in'] === 'path');
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(
      declared.map((parameter) => parameter['name']),
      inPath,
      label,
    );
    assert(
      declared.every((parameter) => parameter['required'] === true),
      label,
    );
  }
});

/** The fields of the page on edits besides the pictures, and the mask. */
const EDIT_FIELDS =
  'model prompt n response_format output_format stream seed width height aspect_ratio resolution ' +
  'quality image_size mask';

test('an edit is documented as a form with files and as JSON, with the answers of a generation', () => {
  const byLabel = new Map(operations(ours).map(({ label, operation }) => [label, operation]));
  const edit = asObject(byLabel.get('POST /v1/images/edits'));
  const generation = asObject(byLabel.get('POST /v1/images/generations'));
  assert.deepEqual(edit['responses'], generation['responses']);
  const content = asObject(asObject(edit['requestBody'])['content']);
  assert.deepEqual(Object.keys(content), ['multipart/form-data', 'application/json']);
  const [form, json] = Object.values(content).map((body) =>
    asObject(resolve(asObject(body)['schema'], ours)),
  );
  const fields = asObject(form?.['properties']);
  for (const name of ['image', 'image[]']) {
    const { type, items } = asObject(fields[name]);
    assert.deepEqual([type, items], ['array', { type: 'string', format: 'binary' }], name);
  }
  for (const schema of [form, json]) {
    const { required, properties } = asObject(schema);
    assert.deepEqual(required, ['model', 'prompt']);
    const names = Object.keys(asObject(properties));
    assert.deepEqual(
      EDIT_FIELDS.split(' ').filter((name) => !names.includes(name)),
      [],
    );
  }
  assert('images' in asObject(json?.['properties']));
});

/** What is kept can be fetched: with the statuses besides those of every endpoint with a key. */
const KEPT_STATUSES = {
  'GET /v1/images': [200, 400],
  'GET /v1/images/{id}': [200, 400, 404, 410],
  'DELETE /v1/images/{id}': [200, 202, 404],
  'GET /v1/images/{id}/content/{index}': [200, 206, 304, 404, 410, 416],
};

test('what is kept is documented with all its statuses, and requests with their headers', () => {
  const byLabel = new Map(operations(ours).map(({ label, operation }) => [label, operation]));
  for (const [label, statuses] of Object.entries(KEPT_STATUSES)) {
    const documented = Object.keys(asObject(byLabel.get(label)?.['responses']));
    const expected = [...statuses, 401, 403, 500, 503].map(String);
    assert.deepEqual(documented.toSorted(), expected.toSorted(), label);
  }
  const content = byLabel.get('GET /v1/images/{id}/content/{index}');
  assert.deepEqual(content?.['security'], [{ BearerAuth: [] }, { SignedLink: [] }]);
  const headersOf = (label: string): unknown[] =>
    asArray(byLabel.get(label)?.['parameters'])
      .map((parameter) => asObject(resolve(parameter, ours)))
      .filter((parameter) => parameter['in'] === 'header')
      .map((parameter) => parameter['name']);
  for (const label of ['POST /v1/images/generations', 'POST /v1/images/edits']) {
    assert.deepEqual(headersOf(label), ['Idempotency-Key', 'Prefer'], label);
    const responses = asObject(byLabel.get(label)?.['responses']);
    assert(
      ['202', '409', '410', '422'].every((status) => status in responses),
      label,
    );
  }
  assert.deepEqual(headersOf('GET /v1/images/{id}'), ['Prefer']);
});

test('every route but the documents and pages is in the document', () => {
  const documented = operations(ours).map(({ label }) => label);
  const served = routes(easel.app.server.printRoutes({ commonPrefix: false }));
  assert(served.length > documented.length, 'the list of routes could not be read');
  const api = served.filter(({ path }) => !isPage(path));
  assert.deepEqual(
    documented.toSorted(),
    api
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\([^)]*\))?/g, '{$1}')}`)
      .toSorted(),
  );
});

test('keys are asked for where the document says so, and nowhere else', async () => {
  assert.deepEqual(ours['security'], [{ BearerAuth: [] }]);
  for (const { label, path, method, operation } of operations(ours)) {
    const isOpen = Array.isArray(operation['security']) && operation['security'].length === 0;
    const url = easel.url + path.replaceAll(/\{\w+\}/g, 'img_x');
    const response = await fetch(url, { method });
    await response.body?.cancel();
    assert.equal(response.status === 401, !isOpen, `${label} answered ${response.status}`);
  }
});

/** Documents and pages are for browsers and are no operations. */
function isPage(path: string): boolean {
  return /^\/(openapi\.json|llms\.txt|models|docs(\/.*)?)?$/.test(path);
}

interface Operation {
  readonly label: string;
  readonly method: string;
  readonly path: string;
  readonly operation: JsonObject;
}

function operations(document: JsonObject): Operation[] {
  return Object.entries(asObject(document['paths'])).flatMap(([path, item]) =>
    Object.entries(asObject(item)).map(([name, operation]) => {
      const method = name.toUpperCase();
      return { label: `${method} ${path}`, method, path, operation: asObject(operation) };
    }),
  );
}

/** Reads Fastify's drawing of its routes; a HEAD is a shadow of its GET. */
function routes(drawing: string): { readonly method: string; readonly path: string }[] {
  const parents: string[] = [];
  return drawing.split('\n').flatMap((line) => {
    const parts = /^([│ ]*)[├└]── (\S+) \(([^)]*)\)/.exec(line);
    if (parts === null) {
      return [];
    }
    const [, indent = '', piece = '', methods = ''] = parts;
    const depth = indent.length / 4;
    const path = (parents[depth - 1] ?? '') + piece;
    parents.splice(depth, parents.length, path);
    return methods
      .split(', ')
      .filter((method) => method !== 'HEAD')
      .map((method) => ({ method, path }));
  });
}

function whyNoPage(): string | false {
  return existsSync(PAGE) ? false : 'the OpenAPI page does not lie beside this repository';
}

function readShape(): JsonObject {
  if (process.env['UPDATE_SHAPE'] === '1') {
    writeFileSync(SHAPE, SHAPE_HEAD + stringify(stripProse(readPage())));
  }
  return asObject(parse(readFileSync(SHAPE, 'utf8')));
}

function readPage(): JsonObject {
  const [, document] = readFileSync(PAGE, 'utf8').split(/^`{4}.*$/m);
  return asObject(parse(document ?? ''));
}

/** Takes the words out of an OpenAPI document and leaves its facts. */
function stripProse(document: JsonObject): JsonObject {
  const { info: _, servers: __, ...rest } = document;
  return asObject(withoutProse(rest, false));
}

const PROSE_KEYS = new Set(['description', 'summary', 'title', 'message']);

/** Under `properties` a key is a field's name, and never prose. */
function withoutProse(node: unknown, areNames: boolean): unknown {
  if (Array.isArray(node)) {
    return node.map((member) => withoutProse(member, false));
  }
  if (typeof node !== 'object' || node === null) {
    return node;
  }
  const kept = Object.entries(node).filter(
    ([key, value]) => areNames || !(PROSE_KEYS.has(key) || isProseExample(key, value)),
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [key, withoutProse(value, key === 'properties')]),
  );
}

function isProseExample(key: string, value: unknown): boolean {
  return key === 'example' && typeof value === 'string' && value.includes(' ');
}

interface Documents {
  readonly theirs: JsonObject;
  readonly ours: JsonObject;
}

/** Where our node does not keep what theirs promises, in words; empty when it keeps it all. */
function gaps(theirs: unknown, ourNode: unknown, documents: Documents, path = ''): string[] {
  const expected = resolve(theirs, documents.theirs);
  const actual = resolve(ourNode, documents.ours);
  if (actual === undefined) {
    return [`${path} is missing`];
  }
  if (Array.isArray(expected)) {
    const members = asArray(actual).map((member) => JSON.stringify(member));
    const wanted = expected.map((member) => JSON.stringify(member));
    return wanted.filter((member) => !members.includes(member)).map((m) => `${path} lacks ${m}`);
  }
  if (typeof expected !== 'object' || expected === null) {
    const [was, is] = [JSON.stringify(expected), JSON.stringify(actual)];
    return was === is ? [] : [`${path} is ${is}, not ${was}`];
  }
  const [theirSchema, ourSchema] = [asObject(expected), asObject(actual)];
  return [
    ...typeGaps(theirSchema, ourSchema, path),
    ...Object.entries(theirSchema)
      .filter(([key]) => key !== 'type' && key !== 'nullable' && key !== 'additionalProperties')
      .flatMap(([key, value]) => {
        const below = path === '' ? key : `${path}.${key}`;
        // A field may be called `type`, `enum` and so on: then it is a schema, no keyword.
        return gaps(value, ourSchema[key], documents, below);
      }),
    ...keywordFieldGaps(theirSchema, ourSchema, documents, path),
  ];
}

/** Fields whose names are keywords of a schema: `type` under `properties`. */
function keywordFieldGaps(
  theirs: JsonObject,
  ourNode: JsonObject,
  documents: Documents,
  path: string,
): string[] {
  const { type } = theirs;
  return typeof type === 'object' && type !== null && !Array.isArray(type)
    ? gaps(type, ourNode['type'], documents, `${path}.type`)
    : [];
}

/** What a schema says of types and bounds; a bound that the page does not have is a gap, too. */
function typeGaps(theirs: JsonObject, ourNode: JsonObject, path: string): string[] {
  if (typeof theirs['type'] !== 'string') {
    return [];
  }
  const [was, is] = [theirs, ourNode].map((schema) => typesOf(schema).toSorted().join('|'));
  const narrower = ['enum', 'minimum', 'maximum'].filter(
    (keyword) => keyword in ourNode && !(keyword in theirs),
  );
  const closed =
    theirs['additionalProperties'] === true && ourNode['additionalProperties'] === false;
  return [
    ...(was === is ? [] : [`${path}.type is ${is}, not ${was}`]),
    ...narrower.map((keyword) => `${path}.${keyword} is narrower than the page`),
    ...(closed ? [`${path} takes no further fields`] : []),
  ];
}

/** `nullable: true` is the older spelling of a type `[…, "null"]`. */
function typesOf(schema: JsonObject): string[] {
  const { type, anyOf, nullable } = schema;
  if (Array.isArray(anyOf)) {
    return [...new Set(anyOf.flatMap((member) => typesOf(asObject(member))))];
  }
  const types = (Array.isArray(type) ? type : [type]).map(String);
  return nullable === true ? [...types, 'null'] : types;
}

function references(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) {
    return [];
  }
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : references(value),
  );
}

/** Follows references inside the document until something else is found. */
function resolve(node: unknown, document: JsonObject): unknown {
  const reference =
    typeof node === 'object' && node !== null ? (node as JsonObject)['$ref'] : undefined;
  if (typeof reference !== 'string') {
    return node;
  }
  const target = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((found, key) => (found as JsonObject | undefined)?.[key], document);
  return resolve(target, document);
}
