/** Changes to a text by places in it, made all at once, so that each place is one of the text before any change. */

export interface TextEdit {
  /** From here… */
  readonly at: number;
  /** …so many characters go… */
  readonly length: number;
  /** …and these come. */
  readonly text: string;
}

/** The text with all edits made. Edits at one place keep their order; they must not overlap. */
export function edited(text: string, edits: readonly TextEdit[]): string {
  let result = "";
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.at - b.at)) {
    result += text.slice(at, edit.at) + edit.text;
    at = Math.max(at, edit.at + edit.length);
  }
  return result + text.slice(at);
}

/** How the lines of a text end: as its first one does. */
export function lineEndOf(text: string): string {
  const at = text.indexOf("\n");
  return at > 0 && text[at - 1] === "\r" ? "\r\n" : "\n";
}

/** The spaces and tabs that the line of a place begins with. */
export function indentAt(text: string, at: number): string {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, at))?.[0] ?? "";
}

/** The place from which only blanks lie before `at`. */
export function blankStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && " \t\r\n".includes(text[start - 1] as string)) start -= 1;
  return start;
}
