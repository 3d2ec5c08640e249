"""What goes with a release in words: a datasheet, a card for Hugging Face, and the licences.

The datasheet has the sections of Gebru, Morgenstern, Vecchione, Vaughan, Wallach, Daumé III and Crawford, "Datasheets for datasets"
(2021, arXiv 1803.09010). What the rows know is filled in; what only its publishers know is asked of them.
"""

from __future__ import annotations

import json

from annotation.core.words import count
from annotation.models import Membership
from annotation.services.first_visit import CONSENT
from learner.exports.release.rows import Release, Row

ASKED = "*To be said by whoever publishes it.*"

_DATASHEET = """# Datasheet: {name}

After Gebru et al., Datasheets for datasets (2021, arXiv 1803.09010).

## Motivation

A separation model extracts {stem} from songs. People listened to clips of what it extracted and marked where something else sounds, which
should be silent (false positives), so that this model, or others, can learn from it. Who made the dataset, and who paid: {asked}

## Composition

- Each row is a clip of a song: {clips} of {songs}, {minutes:.1f} minutes, with {answers} of {people}, and {regions} that were agreed on
  ({seconds:.1f} s).
- A region has a probability: how likely it is that something else sounds there, given all answers and how reliable people are.
- A mark says that this stem is silent in the mix there, which stays true for every model. An unmarked stretch of a clip says only that
  what the model named in `checkpoint` extracted was right there.
- Splits: {splits}. `test` was kept apart: no model of the campaign learned from it.
- Which clips people heard was chosen. `arm` says by what: `random` clips are drawn from the pool with the chance in `chance`; `score` clips
  were chosen because much seemed to leak, and do not tell how common leaks are.
- Sound is {sound}; see LICENCES.md.
- It holds no names: people are called by codes. Answers say what was heard and how many seconds it took.

## Collection process

- People drew marks over the extracted sound, beside the mix: {least} to {most} answers a clip, then a reviewer where they did not agree.
  People were weighed by how they marked clips whose truth is known, and by how they agree with others.
- Agreement among people: frame F1 {frame_f1}, event F1 {event_f1}, Krippendorff's alpha {alpha} (95 % intervals over clips). By person
  and clip: agreement.csv.
- {consent} Who took their consent or their answers back is left out, and so is each clip whose consensus rested on them
  ({left_out} of the snapshot).
- Who they were, how they were found and paid, and which ethics board looked at it: {asked}
{told}
## Preprocessing, cleaning, labelling

- What people agreed on ({methods}) is in `wrong`; the answers that it was made of are in `answers`, as they were given.
- Reviewers decided {decisions}: decisions.jsonl.

## Uses

- Made for adapting and judging separation models; also for research on agreement, on choosing clips, and on detecting leaks.
- Not for telling how good a model is in general: the clips of arm `score` are its worst ones.
- What else was done with it: {asked}

## Distribution

- Songs have the licences in LICENCES.md; each is its owner's. The licence of the marks: {asked}

## Maintenance

- It is the snapshot of round {round}, `{hash}`: made again, it is the same to the last byte, unless somebody has taken their answers back
  since, or what is said of a song was corrected. SHA256SUMS has all checksums.
- Whom to write to, also to be taken out of it: {asked}
"""


def datasheet(release: Release) -> str:
    """Markdown."""
    campaign, clips, whole = release.campaign, release.clips, release.agreement[0]
    regions = [region for clip in clips for region in clip.row["wrong"]]
    splits = (f"{split}: {count(len(some), 'clip')}" for split, some in release.splits.items())
    return _DATASHEET.format(
        name=campaign.name,
        stem=campaign.wording.name,
        asked=ASKED,
        clips=count(len(clips), "clip"),
        songs=count(len(release.licences), "song"),
        minutes=sum(clip.task.clip.duration for clip in clips) / 60,
        answers=count(sum(len(clip.answers) for clip in clips), "answer"),
        people=_people(release.people),
        regions=count(len(regions), "region"),
        seconds=sum(region["end"] - region["start"] for region in regions),
        splits="; ".join(splits) or "none",
        sound="in it where a song has a licence" if release.with_audio else "not in it",
        least=campaign.min_overlap,
        most=campaign.max_overlap,
        **{name: _figure(whole, name) for name in ("frame_f1", "event_f1", "alpha")},
        consent=_consent(release),
        left_out=count(release.n_left_out, "clip"),
        told=f"- What people were told:\n\n{_quoted(campaign.instructions)}\n" if campaign.instructions else "",
        methods=", ".join(sorted({str(clip.row["method"]) for clip in clips})) or "none",
        decisions=count(len(release.decisions), "time"),
        round=release.snapshot.round.number,
        hash=release.snapshot.content_hash,
    )


def _people(rows: list[Row]) -> str:
    humans = sum(row["kind"] == Membership.Kind.HUMAN for row in rows)
    simulated = f" and {count(len(rows) - humans, 'simulated annotator')}" if humans < len(rows) else ""
    return count(humans, "person", "people") + simulated


def _consent(release: Release) -> str:
    if release.asks_consent:
        return f"Everybody agreed to this text before their first clip:\n\n{_quoted(release.campaign.consent_text or CONSENT)}\n\n "
    return (
        "The campaign asked nobody for consent by its own pages: whoever publishes this must know on what ground people's answers may be "
        "published."
    )


def _figure(row: Row, name: str) -> str:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if value is None:
        return "unknown"
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


def _quoted(text: str) -> str:
    return "\n".join(f"  > {line}" for line in text.splitlines())


_CARD = """---
{front}
---

# {name}

Where extracted {stem} leak, as a crowd heard it. {where}

Read DATASHEET.md first. All times are seconds of the song; take `clip_start` off for seconds of the clip.

| field | meaning |
|---|---|
| `wrong` | what people agreed on: start, end, probability, tag |
| `missing` | where something of the stem is missing, where the campaign asked for that |
| `answers` | of each person: marks, what they heard, and the seconds it took |
| `certainty` | 0-1: the frame F1 that the consensus expects of itself |
| `decided_by` | `people`, or `reviewer` where they did not agree |
| `arm`, `chance` | `random`: drawn from the pool with this chance; `score`: chosen since it seemed to leak |
| `checkpoint` | SHA-256 of the model whose output people heard |
"""
IN_SHARDS = (
    "The clips are in WebDataset shards, `<split>-000000.tar` and so on: `<id>.json`, and with sound `<id>.flac` (what was extracted) and "
    "`<id>.mix.flac`; clips without sound are in `<split>-no-sound-000000.tar` then."
)
IN_FOLDER = '`load_dataset("<this folder>")` loads the clips.'
WITH_SOUND = (
    ' `load_dataset("audiofolder", data_dir="<this folder>/sound")` loads those that have sound, with the same fields; from version 4 of '
    "`datasets` on this needs torchcodec. `mix` is the path of the mix below `sound/<split>/`."
)


def card(release: Release, *, shards: bool) -> str:
    """README.md as Hugging Face's hub and `datasets` read it: where the data of each split lies, and what each field means."""
    front = {
        "pretty_name": release.campaign.name,
        "license": "other",
        "task_categories": ["audio-classification"],
        "tags": ["music", "source-separation", release.campaign.stem],
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()]
    if not shards and release.splits:
        lines += ["configs:", "- config_name: clips", "  data_files:"]
        lines += [part for split in release.splits for part in (f"  - split: {split}", f"    path: clips/{split}.jsonl")]
    where = IN_SHARDS if shards else IN_FOLDER + (WITH_SOUND if release.with_audio else "")
    return _CARD.format(front="\n".join(lines), name=release.campaign.name, stem=release.campaign.wording.name, where=where)


def licences(release: Release) -> str:
    """A line for each song."""
    unsaid = "not said: no sound of it is in here"
    rows = (f"| {_cell(track)} | {_cell(artist)} | {_cell(licence) or unsaid} |\n" for track, artist, licence in release.licences)
    return f"# Licences\n\nOf the songs, as the campaign has them.\n\n| song | artist | licence |\n|---|---|---|\n{''.join(rows)}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
