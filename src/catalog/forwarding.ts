/**
 * Names that change the count, the price or the delivery of pictures behind the contract's back,
 * in the spellings of the upstreams. They are never forwarded, not even where unknown fields are.
 */
const NEVER_FORWARDED = new Set(
  [
    // How many.
    'n',
    'num_images',
    'num_images_per_prompt',
    'num_outputs',
    'num_samples',
    'number_of_images',
    'number_results',
    'image_count',
    'sample_count',
    'samples',
    'candidate_count',
    'batch_size',
    'batch_count',
    'n_iter',
    'max_images',
    'sequential_image_generation',
    'sequential_image_generation_options',
    'frame_count',
    // For how much.
    'tools',
    'service_tier',
    'priority',
    'svg',
    // To whom, and how.
    'webhook',
    'webhook_url',
    'webhook_secret',
    'callback_url',
    'sync_mode',
    'stream',
    'response_format',
    'storage_options',
    'model',
    'prompt',
  ].map(plain),
);

/** Whether a field may never reach an upstream; `maxImages` and `max-images` are `max_images`. */
export function isNeverForwarded(name: string): boolean {
  return NEVER_FORWARDED.has(plain(name));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
