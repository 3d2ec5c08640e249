"""In which language a page speaks: its middleware, the catalogs in `hub/locale`, and what finds texts in templates and sources."""
