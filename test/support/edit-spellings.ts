import { type RawPart, rawForm } from './forms.ts';

/** An edit to be sent in some spelling. */
export interface Edit {
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly images: readonly Buffer[];
  readonly mask?: Buffer;
}

export interface Spelled {
  readonly contentType: string;
  readonly body: Buffer<ArrayBuffer>;
}

/** Puts bytes where Easel may fetch them, and gives their address. */
export type Publish = (bytes: Buffer) => string;

/** One way in which clients send edits. */
export interface Spelling {
  readonly name: string;
  readonly spell: (edit: Edit, publish: Publish) => Spelled;
}

type PartOf = (bytes: Buffer, index: number) => RawPart | readonly RawPart[];

interface FormOptions {
  readonly fieldsLast?: true;
}

const png = { fileName: 'photo.png', contentType: 'image/png' };

const named =
  (nameOf: (index: number) => string, rest: Omit<RawPart, 'name' | 'body'> = png): PartOf =>
  (body, index) => ({ name: nameOf(index), body, ...rest });

function form(name: string, partOf: PartOf, options: FormOptions = {}): Spelling {
  return {
    name: `form: ${name}`,
    spell: ({ fields, images, mask }) => {
      const texts = Object.entries(fields).map(([field, value]): RawPart => ({
        name: field,
        body: String(value),
      }));
      const files = images.flatMap((bytes, index) => partOf(bytes, index));
      // A mask comes as the pictures do, under its own name.
      const [like] = mask === undefined ? [] : [partOf(mask, 0)].flat();
      const masks = like === undefined ? [] : [{ ...like, name: 'mask' }];
      return rawForm(
        options.fieldsLast ? [...masks, ...files, ...texts] : [...texts, ...files, ...masks],
      );
    },
  };
}

function json(
  name: string,
  picturesOf: (images: readonly Buffer[], publish: Publish) => object,
  maskOf: (mask: Buffer, publish: Publish) => unknown = dataUri,
): Spelling {
  return {
    name: `JSON: ${name}`,
    spell: ({ fields, images, mask }, publish) => ({
      contentType: 'application/json',
      body: Buffer.from(
        JSON.stringify({
          ...fields,
          ...picturesOf(images, publish),
          ...(mask === undefined ? {} : { mask: maskOf(mask, publish) }),
        }),
      ),
    }),
  };
}

function dataUri(bytes: Buffer): string {
  return `data:image/png;base64,${bytes.toString('base64')}`;
}

const lines = (text: string): string => (text.match(/.{1,76}/g) ?? []).join('\r\n');

/** Every spelling that Easel takes; all of them mean the same. */
export const SPELLINGS: readonly Spelling[] = [
  form(
    'image, once or repeated',
    named(() => 'image'),
  ),
  form(
    'image[], once or repeated',
    named(() => 'image[]'),
  ),
  form(
    'image[0], image[1] …',
    named((index) => `image[${index}]`),
  ),
  form(
    'both names at once',
    named((index) => (index % 2 === 0 ? 'image' : 'image[]')),
  ),
  form(
    'images',
    named(() => 'images'),
  ),
  form(
    'fields after files',
    named(() => 'image'),
    { fieldsLast: true },
  ),
  form(
    'no file names',
    named(() => 'image', { contentType: 'image/png' }),
  ),
  form(
    'no types',
    named(() => 'image', { fileName: 'photo' }),
  ),
  form(
    'neither names nor types',
    named(() => 'image', {}),
  ),
  form(
    'wrong types',
    named(() => 'image', { fileName: 'photo.gif', contentType: 'text/plain' }),
  ),
  form(
    'a type for bytes',
    named(() => 'image', { contentType: 'application/octet-stream' }),
  ),
  form('data URIs as texts', (bytes) => ({ name: 'image', body: dataUri(bytes) })),
  form('base64 in lines', (bytes) => ({ name: 'image', body: lines(bytes.toString('base64')) })),
  {
    name: 'form: addresses as texts',
    spell: (edit, publish) =>
      form('', (bytes) => ({ name: 'image_url', body: publish(bytes) })).spell(edit, publish),
  },
  json('images of objects with data URIs', (images) => ({
    images: images.map((bytes) => ({ image_url: dataUri(bytes) })),
  })),
  json(
    'images of objects with addresses',
    (images, publish) => ({ images: images.map((bytes) => ({ image_url: publish(bytes) })) }),
    (mask, publish) => ({ image_url: publish(mask) }),
  ),
  json(
    'images of chat-like objects',
    (images) => ({ images: images.map((bytes) => ({ image_url: { url: dataUri(bytes) } })) }),
    (mask) => ({ image_url: { url: dataUri(mask) } }),
  ),
  json('image as an array of strings', (images) => ({ image: images.map(dataUri) })),
  json(
    'image as an array of objects with url',
    (images) => ({ image: images.map((bytes) => ({ url: dataUri(bytes) })) }),
    (mask) => ({ url: dataUri(mask) }),
  ),
  json('image as one string, the others in images', ([first, ...others]) => ({
    image: dataUri(first ?? Buffer.alloc(0)),
    images: others.map((bytes) => ({ image_url: dataUri(bytes) })),
  })),
  json('image_url and image_urls', ([first, ...others]) => ({
    image_url: dataUri(first ?? Buffer.alloc(0)),
    image_urls: others.map(dataUri),
  })),
  json('base64 by itself', (images) => ({
    image: images.map((bytes) => bytes.toString('base64')),
  })),
  json('addresses and data URIs by turns', (images, publish) => ({
    images: images.map((bytes, index) => ({
      image_url: index % 2 === 0 ? publish(bytes) : dataUri(bytes),
    })),
  })),
];
