"""The versioned API: `/api/v1/`. Its doors are `Door`s (doors.py): who comes in, pages of lists, JSON or CSV."""
