"""What songs a campaign has none of, and what that costs; and what is to be expected of those in its pool."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, Exists, OuterRef

from annotation.models import Campaign, Stem, Track
from learner.core.judging.stem_words import said_of

Use, Domain = Track.Use, Track.Domain
GATE_OF_SEVERAL = (
    "so it goes by random clips of pool songs that are kept apart, one song in four, and by what people let pass. No child is promoted "
    "before people have marked something there (--use gate --domain target, with stems)."
)
GATE_OF_ONE = (
    "and with one song in the pool none can be kept apart for the gate, so no child is ever promoted. Add songs to the pool, or some with "
    "stems (--use gate --domain target)."
)


def lacks(campaign: Campaign) -> list[str]:
    """A sentence for each kind of songs that a campaign with a model does without; none while it has no pool."""
    tracks = campaign.tracks.filter(set_aside=None)
    n, gate, replayed_stems = Counter[str](), set[str](), 0
    with_stem = Count("pk", filter=Exists(Stem.objects.filter(track=OuterRef("pk"), name=campaign.stem)))
    counted = tracks.order_by().values_list("use", "domain").annotate(n=Count("pk"), with_stem=with_stem)
    for use, domain, number, n_stems in counted:
        n[use] += number
        gate |= {domain} if use == Use.GATE else set()
        replayed_stems += n_stems if use == Use.REPLAY else 0
    if not n[Use.POOL]:
        return []
    replays_mixes = not replayed_stems
    found = []
    if not n[Use.REPLAY]:
        found.append(
            "Replay: no songs; songs of the pool in which nobody marked anything stand for what the model must keep. Other kinds of music "
            "may get worse and nobody notices; mixes of such music mend that (--use replay --domain source)."
        )
    if not n[Use.VALIDATION]:
        stand_in = "Two unmarked songs of the pool stand for them where four are left; otherwise" if replays_mixes else "So"
        found.append(
            f"Validation: no songs. {stand_in} only what people let pass keeps a child from costing voices "
            "(--use validation --domain source)."
        )
    if Domain.TARGET not in gate:
        found.append(f"Gate, the music to learn: no songs, {GATE_OF_SEVERAL if n[Use.POOL] > 1 else GATE_OF_ONE}")
    if Domain.SOURCE not in gate:
        stand_in = "two unmarked songs of the pool, remixed, stand for it where six are left; otherwise " if replays_mixes else ""
        found.append(f"Gate, other music: no songs; {stand_in}what a child forgets is not known (--use gate --domain source, with stems).")
    if not n[Use.TEST]:
        found.append("Test: no songs; there are verdicts, but no figures of false positives, voice or SDR (--use test, with stems).")
    return [said_of(campaign.stem, sentence) for sentence in found]


def said_of_pool(campaign: Campaign) -> str:
    """Which songs of the pool leak, or seem to, as the last round found; empty before."""
    last = campaign.events.filter(what="pool.looked_through").order_by("-id").first()
    return str((last.after or {}).get("words", "")) if last else ""
