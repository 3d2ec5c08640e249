"""Metrics by the names under which evaluations, judged songs and reports have them; how each is counted: `learner.core.metrics`."""

FALSE_POSITIVES = "false_positive_seconds_per_minute"
AT_PARENT_LEVEL = "false_positives_at_parent_level"
VOICE = "voice_kept_db"
SONG_SDR, SUNG_SDR, SI_SDR = "song_sdr", "sung_sdr", "si_sdr"
SDR_MEAN, SDR_MEDIAN = "sdr_mean", "sdr_median"
