"""Questions about annotation that span tables: they answer, and change nothing."""
