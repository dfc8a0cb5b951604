import assert from 'node:assert/strict';
import sharp from 'sharp';

/**
 * Fails unless the mask that was sent is a png of one channel and of the caller's mask's size,
 * white where that is transparent and black where it is opaque.
 */
export async function assertWhiteMask(sent: Buffer | undefined, original: Buffer): Promise<void> {
  assert(sent !== undefined, 'no mask was sent');
  const { format, channels, width, height } = await sharp(sent).metadata();
  const expected = await sharp(original).metadata();
  assert.deepEqual(
    { format, channels, width, height },
    { format: 'png', channels: 1, width: expected.width, height: expected.height },
  );
  const white = await sharp(sent).toColourspace('b-w').raw().toBuffer();
  const alpha = await sharp(original).extractChannel('alpha').raw().toBuffer();
  assert(alpha.includes(0) && alpha.includes(255), 'the mask has nothing to repaint, or to keep');
  assert.deepEqual(
    white,
    alpha.map((opacity) => 255 - opacity),
  );
}
