"""What people do: marks on clips, the queue that hands clips out, and the agreement of those who answered.

Time is seconds from the start of the track, in floats, and regions are half-open. `regions`, `consensus`, `agreement` and
`simulation` are plain Python and NumPy; `label_studio` alone speaks Label Studio's formats and clip seconds. None of the
five knows Django, and nothing in this package imports torch or the learner.
"""
