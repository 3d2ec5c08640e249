"""AAC as radio streams send it (ADTS): frames whose headers look a little like those of mp3."""

SURE = 3  # frames in a row that are no accident


def first_row(window: bytes) -> int | None:
    """Where in some bytes the first row of frames begins."""
    at = window.find(b"\xff")
    while at >= 0:
        if _row(window, at):
            return at
        at = window.find(b"\xff", at + 1)
    return None


def _row(window: bytes, at: int) -> bool:
    kind = window[at + 1 : at + 3]
    for n in range(SURE):
        head = window[at : at + 7]
        if len(head) < 7:
            return n > 1
        if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12 or head[1] != kind[0] or (head[2] ^ kind[1]) & 0xFC:
            return False
        size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if size < 7:
            return False
        at += size
    return True
