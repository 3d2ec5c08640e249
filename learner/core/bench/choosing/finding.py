"""Rounds of choosing, answering and learning what leaks, on kept signals: how much leak each strategy finds in the same minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learner.core.bench.choosing.material import Pool, Track, hearings, leak_of, spans, tracks_of
from learner.core.bench.choosing.rivals import STRATEGIES, bald
from learner.core.bench.rounds import marks_of
from learner.core.bench.runs import Result, read_result
from learner.core.choosing import expected, quality
from learner.core.choosing.clips import Clips, Floats, Span, frames_of, mean, means, seconds
from learner.core.choosing.strategies import Quota
from learner.core.metrics import SHORT_FRAME, frame_regions

DRAWN = 2 / 3  # of a pool's tracks take part in a run
LEAST = 3  # clips a round
ELSEWHERE = 0.02  # probability, by consensus, of frames that nobody marked
TODAY = "rests + spread"  # what was chosen by before strategies were
BALD, BADGE = "BALD", "BADGE"  # by what they have instead of a model's doubt, or of an embedding


@dataclass(frozen=True)
class Row:
    """One way of choosing in the table: a strategy, and what it takes for the expected leak."""

    name: str
    strategy: str
    learned: bool = False  # from what people agreed on in the rounds before; otherwise a plain guess


ROWS = (
    Row("random", "random"),
    Row("leak-aware", "leak-aware"),
    Row("leak-aware, learned", "leak-aware", learned=True),
    Row("uncertainty", "uncertainty"),
    Row("noisy-uncertainty", "noisy-uncertainty"),
    Row("coverage", "coverage"),
    Row(BALD, "uncertainty"),
    Row(BADGE, "badge"),
    Row("ProbCover", "probcover"),
    Row(TODAY, "uncertainty"),
    Row("expected", "expected", learned=True),
)
ORACLE = "one-shot oracle"
BEFORE = "expected, before any answer"
ANSWERED = 8  # clips, of which it was learned what to expect of the rest


@dataclass(frozen=True)
class Finding:
    """All rows on one pool: a seed draws the tracks that take part, the people's marks, and what strategies draw."""

    pool: Pool
    seed: int
    folder: str  # of the kept signals
    rounds: int = 4
    share: float = 1 / 16  # of the pool's clips a round, but at least `LEAST`
    length: float = 15.0  # seconds of a clip
    per_track: int = 2
    prior: expected.Prior = expected.PRIOR

    @property
    def key(self) -> str:
        return f"{self.pool.key}-seed{self.seed}"

    def work(self) -> Result:
        generator = np.random.default_rng([self.seed, 17])
        every = kept_tracks(self.pool, self.folder)
        tracks = [every[at] for at in sorted(generator.permutation(len(every))[: max(2, round(DRAWN * len(every)))])]
        table = Table.of(tracks, self.length, self.prior)
        n = max(LEAST, round(self.share * len(table.clips)))
        rows = {row.name: self._rounds(row, table, n, np.random.default_rng([self.seed, 19])) for row in ROWS}
        ranked = self._ranked(table, np.random.default_rng([self.seed, 29]))
        return {
            "rows": rows,
            "ranked": ranked,
            "n_clips": len(table.clips),
            "leak": float(table.truth.sum()),
            "clips": n,
            "oracle": self._oracle(table, n),
        }

    def _rounds(self, row: Row, table: "Table", n: int, generator: np.random.Generator) -> Result:
        heard: list[int] = []
        found: list[float] = []
        best: list[float] = []
        told: list[dict[str, float]] = []
        for _ in range(self.rounds):
            open_ = np.setdiff1d(np.arange(len(table.clips)), heard)
            if not len(open_):
                break
            taken, leak = table.choose(row, heard, n, self.per_track, generator, self.seed)
            if row.learned:
                rest = table.truth[open_]
                told.append(
                    {"spearman": quality.spearman(leak[open_], rest), "auroc": quality.auroc(leak[open_], rest >= quality.LEAKS)}
                    | {"expected": float(leak[open_].mean()), "found": float(rest.mean())}
                )
            found.append(float(table.truth[taken].sum()))
            best.append(float(table.truth[table.best(open_, n, self.per_track)].sum()))
            heard += taken
        return {"found": found, "best": best, "told": told}

    def _ranked(self, table: "Table", generator: np.random.Generator) -> dict[str, float]:
        """What the first quarter of the clips that nobody heard holds, as a share of the most that a quarter holds, by each order.

        Some clips drawn at random were answered before.
        """
        heard = generator.permutation(len(table.clips))[: min(ANSWERED, len(table.clips) // 2)].tolist()
        rest = np.setdiff1d(np.arange(len(table.clips)), heard)
        n = max(1, round(len(rest) / 4))
        most = float(np.sort(table.truth[rest])[-n:].sum())
        orders = {
            "random": np.full(len(table.clips), table.truth[rest].mean()),
            "leak-aware": table.clips.leak,
            "uncertainty": table.clips.unsure,
            TODAY: table.today,
            BEFORE: table.expect([], self.seed),
            "expected": table.expect(heard, self.seed),
        }
        shares = {}
        for name, order in orders.items():
            first = rest[np.argsort(-np.nan_to_num(order[rest]), kind="stable")[:n]]
            held = n * float(table.truth[rest].mean()) if name == "random" else float(table.truth[first].sum())
            shares[name] = held / most if most else float("nan")
        return shares

    def _oracle(self, table: "Table", n: int) -> list[float]:
        """What the one who knows the truth finds, round by round, in all rounds' clips chosen at once."""
        every = np.arange(len(table.clips))
        taken = table.best(every, n * self.rounds, self.per_track * self.rounds)
        return [float(table.truth[taken[at : at + n]].sum()) for at in range(0, len(taken), n)]


@dataclass(frozen=True)
class Table:
    """The clips of one run, and what is known of each."""

    tracks: list[Track]
    clips: Clips  # expected to leak by a plain guess
    own: list[tuple[int, Span]]  # track and span of each clip
    truth: Floats  # (clips,) false-positive seconds
    knots: dict[str, list[float]]
    today: Floats  # (clips,) what was chosen by before strategies were
    bald: Floats  # (clips,)
    prior: expected.Prior = expected.PRIOR

    @classmethod
    def of(cls, tracks: list[Track], length: float, prior: expected.Prior = expected.PRIOR) -> "Table":
        own = [(which, span) for which, track in enumerate(tracks) for span in spans(track, length)]
        which = [at for at, _ in own]

        def each(column: str) -> Floats:
            return np.array([mean(tracks[at].signals.columns[column], span) for at, span in own])

        share = each("share")
        low = [float(np.percentile(tracks[at].signals.between(*span)["share"], 10)) for at, span in own]
        unsure = each("spread")
        unsure = each("change") if np.isnan(unsure).all() else unsure
        groups = np.array([tracks[at].group for at in which], dtype=np.int64)
        embedding = np.concatenate([means(tracks[at].signals.embedding, [span]) for at, span in own])
        minutes = np.full(len(own), length / 60)
        guess = share * length
        clips = Clips(np.array(which, dtype=np.int64), groups, embedding, minutes, guess, unsure, embedding[:0])
        truth = np.array([leak_of(tracks[at], *span) for at, span in own])
        knots = expected.knots_of(track.signals.columns for track in tracks)
        return cls(tracks, clips, own, truth, knots, np.array(low) + unsure, np.array([_bald(tracks[at], span) for at, span in own]), prior)

    def choose(
        self, row: Row, heard: Sequence[int], n: int, per_track: int, generator: np.random.Generator, seed: int
    ) -> tuple[list[int], Floats]:
        """The clips of a row's next round, and the leak that it expected of all clips, (clips,)."""
        open_ = np.setdiff1d(np.arange(len(self.clips)), heard)
        leak = self.expect(heard, seed) if row.learned else self.clips.leak
        clips = self.only(open_, leak, heard, row.name, seed)
        picks = STRATEGIES[row.strategy].pick(clips, n, Quota(per_track), generator)
        return [int(open_[pick.index]) for pick in picks], leak

    def only(self, which: NDArray[np.intp], leak: Floats, heard: Sequence[int], row: str, seed: int) -> Clips:
        """Some of the clips, as the row of that name sees them."""
        unsure = {TODAY: self.today, BALD: self.bald}.get(row, self.clips.unsure)
        embedding = self.gradients(heard, seed) if row == BADGE else self.clips.embedding
        some = self.clips.only(which)
        return replace(some, embedding=embedding[which], leak=leak[which], unsure=unsure[which], heard=embedding[list(heard)])

    def gradients(self, heard: Sequence[int], seed: int) -> Floats:
        """Of the loss of what was learned, by its weights, if what it takes for likelier were true: a clip's mean over frames."""
        model, found = expected.fit(self.knots, [self.answer(at, seed) for at in heard], self.prior), []
        for track in self.tracks:
            x, p = expected.inputs(track.signals.columns, self.knots), model.predict(track.signals.columns)
            found.append((p - (p > 0.5))[:, None] * np.column_stack([x, np.ones(len(x))]))
        return np.array([found[which][frames_of(span, len(found[which]))].mean(axis=0) for which, span in self.own])

    def expect(self, heard: Sequence[int], seed: int) -> Floats:
        """Expected false-positive seconds of every clip, learned from those that people heard."""
        model = expected.fit(self.knots, [self.answer(at, seed) for at in heard], self.prior)
        predicted = [model.predict(track.signals.columns) for track in self.tracks]
        return np.array([seconds(predicted[which], span) for which, span in self.own])

    def answer(self, at: int, seed: int) -> expected.Answer:
        """What three people's consensus says of a clip: some false positives missed, edges off."""
        which, span = self.own[at]
        track = self.tracks[which]
        frames = frames_of(span, len(track.leaks))
        marked = np.full(len(track.leaks[frames]), ELSEWHERE)
        for start, end, probability in self.marks(at, seed):
            marked[round((start - span[0]) / SHORT_FRAME) : round((end - span[0]) / SHORT_FRAME)] = probability
        return expected.Answer(expected.inputs(track.signals.columns, self.knots)[frames], marked)

    def marks(self, at: int, seed: int) -> list[tuple[float, float, float]]:
        """What that consensus marks in a clip: start and end in seconds of its track, and probability."""
        generator = np.random.default_rng([seed, 23, at])  # a clip's answers do not depend on who chose it
        which, span = self.own[at]
        leaks = self.tracks[which].leaks[frames_of(span, len(self.tracks[which].leaks))]
        regions = frame_regions(leaks, len(leaks), round(1 / SHORT_FRAME))
        return marks_of([(start + span[0], end + span[0]) for start, end in regions], span, generator)

    def best(self, open_: NDArray[np.intp], n: int, per_track: int) -> list[int]:
        """Of these clips the `n` that truly leak most, at most so many a track."""
        taken: list[int] = []
        counts: dict[int, int] = {}
        for at in open_[np.argsort(-self.truth[open_], kind="stable")]:
            which = self.own[at][0]
            if len(taken) < n and counts.get(which, 0) < per_track:
                counts[which] = counts.get(which, 0) + 1
                taken.append(int(at))
        return taken


def _bald(track: Track, span: Span) -> float:
    """The mean over a clip, by dropout; where there is none, by small changes of the mix."""
    columns = track.signals.columns
    spread = columns["change"] if np.isnan(columns["spread"]).all() else columns["spread"]
    return mean(bald(columns["share"], spread), span)


@lru_cache(maxsize=4)
def kept_tracks(pool: Pool, folder: str) -> list[Track]:
    results: Mapping[str, Result] = {one.key: read_result(Path(folder) / f"{one.key}.json") for one in hearings(pool, Path(folder))}
    return tracks_of(pool, dict(results), Path(folder))
