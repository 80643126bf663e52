/** One image with its labels, as plain numbers in the order row, column, channel. */
export interface Sample {
  file: string;
  image: Float32Array;
  /** Soft labels; or, with `annotators`, the number of them who marked the pixel. */
  labels: Float32Array;
  annotators?: number;
}

/** Images of one size and their labels, split into those to learn from and those to test on. */
export interface Dataset {
  name: string;
  height: number;
  width: number;
  /** What to call an image above the picture. */
  imageTitle: string;
  /** Channels of an image: 1 grey, 3 colour. */
  channels: number;
  /** Names of the label channels; one alone means that it and its absence are the classes. */
  classes: string[];
  train: Sample[];
  test: Sample[];
  /** Test images for the picture, by index, each with the title of its row. */
  shown: { index: number; title: string }[];
  /** What a reader should know about the choices made, a line each. */
  notes: string[];
}
