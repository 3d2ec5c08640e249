"""Notices: what somebody should know of a campaign or of the site, in the page and by e-mail, as far as they want it."""
