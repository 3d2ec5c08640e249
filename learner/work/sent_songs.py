"""Separate a song that somebody sent, in memory that does not grow with its length."""

from __future__ import annotations

import shutil
from pathlib import Path

from learner.core import audio
from learner.core.files.decoding import BLOCK
from learner.core.files.writing import Writing
from learner.core.separate import separate_file
from learner.models import Checkpoint, Job, SentSong
from learner.services import sent_songs
from learner.work.plan import load


def separate_song(job: Job) -> None:
    """Do one job of the kind song; what an earlier attempt wrote whole is kept."""
    song = SentSong.objects.select_related("campaign", "who", "checkpoint", "beside").get(job=job)
    song.job = job  # the attempt that is this worker's
    try:
        sent_songs.keep_separated(song=song, seconds=_separate(job, song, _mix(song)))
    except (audio.BadAudio, OSError) as wrong:
        if SentSong.objects.filter(pk=song.pk, removed=None).exists():
            if isinstance(wrong, OSError):
                raise
            sent_songs.refuse(song=song, reason=str(wrong))
        else:  # its files went while they were read
            sent_songs.keep_separated(song=song, seconds=song.seconds or 0.0)
    if not SentSong.objects.filter(pk=song.pk, removed=None, refused="").exists():
        shutil.rmtree(song.folder, ignore_errors=True)


def _mix(song: SentSong) -> Path:
    """The mix as it is heard and separated, written once from whatever came. Raises `BadAudio`."""
    if mix := song.sound("mixture"):
        return mix
    info = audio.check(song.whole)
    SentSong.objects.filter(pk=song.pk, removed=None).update(notes=list(info.notes))
    with Writing(song.folder / "mixture.flac", info.sample_rate, info.channels) as file:
        for block in audio.blocks(song.whole, BLOCK):
            file.write(block)
    shutil.rmtree(song.whole.parent, ignore_errors=True)
    return file.path


def _separate(job: Job, song: SentSong, mix: Path) -> float:
    """Write stem and rest, and what the checkpoint beside extracts; returns the seconds of the song."""
    assert song.checkpoint
    wanted = [("stem", song.checkpoint), *([("before", song.beside)] if song.beside else [])]
    missing = [(name, row) for name, row in wanted if not song.sound(name)]
    n_samples, rate, _ = audio.header(mix)
    seconds = n_samples / rate
    for n, (name, row) in enumerate(missing):

        def tell(done: float, total: float, n: int = n, row: Checkpoint = row) -> None:
            job.beat(round(n * total + done), round(len(missing) * total), f"separating by {row}")

        separate_file(load(row), mix, song.folder / f"{name}.flac", tell, rest=song.folder / "rest.flac" if name == "stem" else None)
    return seconds
