// A page of the docs that is written by hand except for the part between two comments.
const PART = /(<!-- what follows is written by npm run pictures -->\n)[\s\S]*(<!-- until here -->)/;

/** The text of the page `name` with `content` as its generated part. */
export function withGeneratedPart(name, text, content) {
  if (!PART.test(text)) throw new Error(`${name} has no place for its generated part: see scripts/generatedPart.js`);
  return text.replace(PART, (_, begin, end) => `${begin}\n${content}\n\n${end}`);
}
