"""One's own account: its page, and what can be changed there."""
