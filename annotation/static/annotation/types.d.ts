// What the scripts speak of, for whoever checks them; no browser reads this file. Times are seconds of the clip unless it says otherwise.

type Stem = string; // the campaign's, "mix" or "removed"

/** [start, end], and of a consensus its probability. */
type Stretch = [start: number, end: number, probability?: number];

interface Part {
  start: number;
  end: number;
}

/** A mark, or a region of a decision. */
interface Mark extends Part {
  id: string;
  selected: boolean;
  missing?: boolean; // the opposite: something is missing there
  tag?: string; // what leaks there
}

/** A mark in Label Studio's JSON. */
interface ResultItem {
  id: string;
  from_name: string;
  to_name: string;
  type: string;
  origin?: string;
  original_length?: number;
  value: { start: number; end: number; channel: number; labels?: string[]; choices?: string[] };
  meta?: { text?: string[] };
}

type Result = ResultItem[];

/** What the server and the pages go by alike: `annotation/pages/rules.py`. */
interface Rules {
  from_name: string;
  to_name: string;
  label: string;
  missing_label: string; // empty: not asked for
  tag_name: string;
  tags: string[]; // none: marks carry none
  proposes: boolean;
  hears_effects: boolean;
  words: { extracted: string; the: string; were: string; rests: string };
  shortest_mark: number;
  enough_heard: number;
  shortest_gap: number;
  speeds: number[];
  darkest: string;
  picture: { palette: string[]; floor: number; top: number; lowest: number; highest: number }; // dB; Hz
}

// ---- what the page of one track goes by (`platform/hub/pages/tracks/one.py`); seconds of the track -------------------------------

interface TrackClip extends Part {
  state: string;
  answers: { name: string; marks: [number, number][] }[];
  regions: [number, number, number][];
  decided: boolean;
}

interface TrackDesk {
  duration: number;
  part: number; // seconds of one
  overlap: number;
  n_parts: number;
  sounds: { name: string; title: string; key: string; url: string }[];
  clips: TrackClip[];
  before: string | null;
  after: string | null;
  differences: string | null;
  by_stem: boolean;
}

// ---- what the API gives (`annotation/pages/api.py`, `reviews.py`) --------------------------------------------------------------

interface AnswerSoFar {
  revision: number;
  result: Result;
  age: number;
  played: Record<string, Stretch[]>;
}

interface GivenTask {
  id: number;
  predictions?: { result: Result }[]; // what the model proposes
  data: Record<string, string>;
}

interface Given {
  task: GivenTask;
  config: string;
  question?: "draw" | "quick";
  segments?: Stretch[] | null; // what quick questions are about
  duration: number;
  draft: Result | null;
  draft_saved_at: string | null;
  draft_age: number | null;
  progress: { done: number; open: number };
  answer?: AnswerSoFar;
  picture?: string; // address of the spectrogram, of a practice clip
  ahead?: boolean; // put there by `annotate/ahead.js`: taken from what was fetched ahead
}

/** An answer as it is sent. */
interface AnswerBody {
  result: Result;
  client_key: string;
  lead_time: number;
  heard: Stretch[];
  played: Record<string, Stretch[]>;
  revises: number;
}

interface AnswerKept {
  status: string;
  outcome?: { html: string; progress?: Given["progress"] }; // of practice
  thanked?: string;
  effect?: boolean; // what its marks change may be asked for
}

/** One entry of a person's history. */
interface Entry {
  task: number;
  what: string | null;
}

interface OtherDraft {
  result: Result;
  saved_at: string;
  age: number;
}

/** What the server says with a refusal. */
interface RefusalBody {
  detail?: string;
  error?: string;
  go?: string;
  field?: string;
  region?: string | number;
  revision?: number;
  marks?: number;
  age?: number;
  draft?: OtherDraft;
}

interface Lane {
  name: string;
  marks: Stretch[];
  tags: string[]; // of each mark; "" is none
  missing: Stretch[];
  unheard: Stretch[];
  late: boolean;
}

interface Found {
  regions: Stretch[];
  tags: string[]; // of each region
  missing: Stretch[];
  certainty: number;
  posterior: number[];
  frame: number;
}

interface Past {
  when: string;
  who: string;
  words: string;
  note: string;
  before: Stretch[] | null;
  after: Stretch[] | null;
}

interface Agreement {
  words: string;
  level: string;
  frame_f1: number | null;
  alpha: number | null;
  n_people: number;
}

/** As the server gives it its times are seconds of the track; `inClip` in `review/lanes.js` makes them the clip's. */
interface Review {
  task: { id: number; track: string; start: number; end: number; state: string };
  seen: string;
  waiting: number;
  next: string | null;
  lanes: Lane[];
  crowd: Found | null;
  decision: Found | null;
  agreement: Agreement;
  may_return: number[]; // whose answer may be asked for again, by their number
  referrals: { words: string; note: string; when: string }[];
  history: Past[];
  may_undo: boolean;
}

interface Thread {
  id: number;
  person: string; // with whom; empty: among those who review
  waits: boolean;
  messages: { who: string; text: string; when: string }[];
}

interface ShownReview extends Review {
  duration: number;
}

// ---- what lies in the browser --------------------------------------------------------------------------------------------------

interface KeptDraft<Work = Result> {
  result: Work;
  saved: boolean;
  at: number;
  base?: string | null;
  sent?: string[];
  revises?: number;
}

/** What names the server's side of a draft. */
interface DraftAbout {
  base?: string | null;
  sent?: string[];
  revises?: number;
}

/** With which marks a task begins; `unsent`: the server has an older draft, `base` names that one (null: none). */
interface Begun {
  result: Result | null;
  unsent: boolean;
  base: string | null;
  sent: string[];
}

interface Clip {
  duration: number;
  buffers: Record<string, AudioBuffer>;
  levels: Record<string, number>;
  whole: Promise<void>;
  picture: Promise<HTMLImageElement | null>;
}

/** What is looked at: a part of the clip, and where it lies on the page, pixels. */
interface View {
  start: number;
  length: number;
  left: number;
  width: number;
}

/** What marks are made in: Label Studio's editor, or the decision of a reviewer. */
interface Editing {
  regions(): Mark[];
  result(): Result;
  add(start: number, end: number, missing?: boolean): void;
  put?(item: ResultItem): void;
  change(id: string, start: number, end: number): void;
  remove(id: string): void;
  select(id: string | null): void;
  undo(): void;
  redo(): void;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  view(): View | null;
  readonly zoom: number;
  zoomTo(zoom: number, around: number): void;
  scrollTo(start: number): void;
  toggleDrawing?(): void;
  letGo?(): void;
  tag?(id: string, tag: string): void;
}

/** What a page does, by the name that a key or a button has for it; it is given their event. */
type Acts = Record<string, (event: any) => unknown>;

/** [name, what it does, keys, keys in Label Studio's preset where they differ] */
type Action = [name: string, does: string, keys: string[], labelStudio?: string[]];

interface KeymapChoice {
  preset: string;
  changes: Record<string, string[]>;
}

// ---- elements by their id; tests/js/ids.test.js looks for each in the templates -----------------------------------------------

interface Ids {
  rules: HTMLElement;
  desk: HTMLElement;
  hear: HTMLElement;
  back: HTMLButtonElement;
  on: HTMLButtonElement;
  shape: HTMLCanvasElement;
  "shape-of": HTMLElement;
  picture: HTMLCanvasElement;
  "picture-of": HTMLElement;
  "part-from": HTMLElement;
  "part-to": HTMLElement;
  "part-before": HTMLButtonElement;
  "part-after": HTMLButtonElement;
  differences: HTMLElement;
  annotate: HTMLElement;
  review: HTMLElement;
  ask: HTMLDialogElement;
  "ask-title": HTMLElement;
  "ask-text": HTMLElement;
  "ask-answers": HTMLElement;
  notice: HTMLElement;
  "notice-text": HTMLElement;
  "notice-actions": HTMLElement;
  saved: HTMLElement;
  announce: HTMLElement;
  transport: HTMLElement;
  help: HTMLDialogElement;
  "help-open": HTMLButtonElement;
  "keys-preset": HTMLSelectElement;
  "keys-rows": HTMLElement;
  "keys-state": HTMLElement;
  reaction: HTMLElement;
  "reaction-measure": HTMLButtonElement;
  "reaction-pad": HTMLButtonElement;
  "reaction-state": HTMLElement;
  "half-dialog": HTMLDialogElement;
  "half-said": HTMLElement;
  "half-make": HTMLElement;
  speed: HTMLSelectElement;
  equal: HTMLInputElement;
  listen: HTMLElement;
  clock: HTMLElement;
  play: HTMLButtonElement;
  "play-label": HTMLElement;
  loop: HTMLButtonElement;
  mute: HTMLButtonElement;
  volume: HTMLInputElement;
  mark: HTMLButtonElement;
  "mark-label": HTMLElement;
  opposite: HTMLButtonElement;
  proposals: HTMLElement;
  "proposals-left": HTMLElement;
  accept: HTMLButtonElement;
  dismiss: HTMLButtonElement;
  "mark-selection": HTMLButtonElement;
  strip: HTMLCanvasElement;
  "strip-height": HTMLSelectElement;
  "strip-floor": HTMLSelectElement;
  "select-tool": HTMLButtonElement;
  "zoom-in": HTMLButtonElement;
  "zoom-out": HTMLButtonElement;
  "zoom-all": HTMLButtonElement;
  undo: HTMLButtonElement;
  redo: HTMLButtonElement;
  "go-on": HTMLInputElement;
  submit: HTMLButtonElement;
  "regions-rows": HTMLTableSectionElement;
  "regions-count": HTMLElement;
  "region-error": HTMLElement;
  "region-add": HTMLFormElement;
  "editor-frame": HTMLElement;
  "empty-again": HTMLButtonElement;
  "nothing-hint": HTMLElement;
  "play-missing": HTMLButtonElement;
  "skip-dialog": HTMLDialogElement;
  "skip-marks": HTMLElement;
  earlier: HTMLButtonElement;
  empty: HTMLElement;
  heard: HTMLElement;
  instructions: HTMLDetailsElement;
  "instructions-text": HTMLElement;
  nothing: HTMLButtonElement;
  progress: HTMLElement;
  skip: HTMLButtonElement;
  task: HTMLElement;
  waiting: HTMLElement;
  agreement: HTMLElement;
  "back-cancel": HTMLButtonElement;
  "back-dialog": HTMLDialogElement;
  "back-error": HTMLElement;
  "back-form": HTMLFormElement;
  "back-hint": HTMLElement;
  "back-more": HTMLSelectElement;
  "back-note": HTMLTextAreaElement;
  "back-person": HTMLSelectElement;
  "comment-form": HTMLFormElement;
  "comment-said": HTMLElement;
  "comment-send": HTMLButtonElement;
  "comment-text": HTMLTextAreaElement;
  "comment-to": HTMLSelectElement;
  "comments": HTMLElement;
  "decision-is": HTMLElement;
  "n-waiting": HTMLElement;
  "referrals": HTMLElement;
  "send-back": HTMLButtonElement;
  "strip-cell": HTMLElement;
  "submit-label": HTMLElement;
  "undo-decision": HTMLButtonElement;
  decision: HTMLCanvasElement;
  from: HTMLElement;
  hint: HTMLElement;
  lanes: HTMLElement;
  loading: HTMLElement;
  next: HTMLButtonElement;
  past: HTMLElement;
  reset: HTMLButtonElement;
  to: HTMLElement;
  examples: HTMLDialogElement;
  "examples-open": HTMLButtonElement;
  note: HTMLDialogElement;
  "note-open": HTMLButtonElement;
  "note-close": HTMLButtonElement;
  "note-form": HTMLFormElement;
  "note-text": HTMLTextAreaElement;
  "note-said": HTMLElement;
  "note-send": HTMLButtonElement;
  outcome: HTMLElement;
  effect: HTMLDialogElement;
  "effect-open": HTMLButtonElement;
  "effect-ready": HTMLElement;
  "effect-said": HTMLElement;
  "effect-sounds": HTMLElement;
  quick: HTMLElement;
  segments: HTMLElement;
  where: HTMLElement;
  yes: HTMLButtonElement;
  no: HTMLButtonElement;
  "cannot-tell": HTMLButtonElement;
  "other-device": HTMLElement;
  listening: HTMLElement;
  "listening-desk": HTMLElement;
  comparing: HTMLElement;
  "all-heard": HTMLElement;
  "all-heard-title": HTMLElement;
  question: HTMLElement;
  switch: HTMLButtonElement;
  "better-a": HTMLButtonElement;
  "better-b": HTMLButtonElement;
  "a-label": HTMLElement;
  "b-label": HTMLElement;
  "no-difference": HTMLButtonElement;
}

interface Window {
  LabelStudio?: any; // of the editor's own script
  unbleed?: unknown; // for the browser's console, and for tests that ask what is going on
}
