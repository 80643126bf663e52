/** The scores that can be passed as metrics to `model.compile` directly. */
import { averageSurfaceDistance } from '../metrics/surfaces/averageSurfaceDistance.js';
import { brierScore } from '../metrics/brierScore.js';
import { diceScore } from '../metrics/diceScore.js';
import { expectedCalibrationError } from '../metrics/expectedCalibrationError.js';
import { hausdorffDistance } from '../metrics/surfaces/hausdorffDistance.js';
import { iouScore } from '../metrics/iouScore.js';
import { normalizedSurfaceDice } from '../metrics/surfaces/normalizedSurfaceDice.js';
import { pixelAccuracy } from '../metrics/pixelAccuracy.js';
import { precisionScore } from '../metrics/precisionScore.js';
import { recallScore } from '../metrics/recallScore.js';
import { tverskyScore } from '../metrics/tverskyScore.js';

export const SCORES = {
  averageSurfaceDistance,
  brierScore,
  diceScore,
  expectedCalibrationError,
  hausdorffDistance,
  iouScore,
  normalizedSurfaceDice,
  pixelAccuracy,
  precisionScore,
  recallScore,
  tverskyScore,
} as const;

export type ScoreName = keyof typeof SCORES;

export const isScoreName = (name: string): name is ScoreName => Object.hasOwn(SCORES, name);

/** The name of a score of this package; undefined for any other function. */
export function nameOfScore(score: unknown): ScoreName | undefined {
  return (Object.keys(SCORES) as ScoreName[]).find((name) => SCORES[name] === score);
}
