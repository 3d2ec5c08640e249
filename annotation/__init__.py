"""What people do: marks on clips, the queue that hands clips out, and the agreement of those who answered.

Time is seconds from the start of the track, in floats, and regions are half-open. `core` is plain Python and NumPy;
`core.label_studio` alone speaks Label Studio's formats and clip seconds. Nothing in this package imports torch or the learner.
"""
