"""A dataset release: what one round froze, with marks, consensus, decisions and a datasheet, the same bytes whenever it is made again."""
