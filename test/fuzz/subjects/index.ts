import type { Subject } from '../subject.js';
import { ANNOTATOR_SUBJECTS } from './annotators.js';
import { LOSS_SUBJECTS } from './losses.js';
import { OVERLAP_SUBJECTS } from './overlaps.js';
import { RELAXATION_SUBJECTS } from './relaxations.js';
import { SCORE_SUBJECTS } from './scores.js';
import { TRAINING_SUBJECTS } from './training.js';

export const SUBJECTS: readonly Subject[] = [
  ...LOSS_SUBJECTS,
  ...OVERLAP_SUBJECTS,
  ...SCORE_SUBJECTS,
  ...RELAXATION_SUBJECTS,
  ...ANNOTATOR_SUBJECTS,
  ...TRAINING_SUBJECTS,
];
