import type { OpenPicture } from '../finish.ts';
import type { Random } from '../random.ts';
import type { Time } from '../scene.ts';
import { followEdges } from './matte.ts';
import type { Matte, Picture } from './picture.ts';
import { type Survey, surveyPicture } from './survey.ts';

/** One edit at work: what every step may need to know of the picture as it was given. */
export interface Work {
  readonly open: OpenPicture;
  readonly random: Random;
  readonly survey: Survey;
  /** The sky, at the size of the picture; nothing when there is none. */
  readonly sky: () => Promise<Matte | undefined>;
}

export async function beginWork(
  open: OpenPicture,
  picture: Picture,
  random: Random,
): Promise<Work> {
  const survey = await surveyPicture(open, picture);
  let sky: Promise<Matte | undefined> | undefined;
  return {
    open,
    random,
    survey,
    sky: () => {
      const small = survey.sky;
      sky ??= small === undefined ? Promise.resolve(small) : followEdges(survey, small, picture);
      return sky;
    },
  };
}

/** The hour that the picture seems to show. */
export function hourOf(survey: Survey): Time {
  if (survey.brightness < 68) return 'night';
  if (survey.brightness < 100 && survey.warmth < -18) return 'dusk';
  return survey.warmth > 55 ? 'sunset' : 'day';
}
