"""The page "Data" of a campaign: what goes out and comes in as files. Each way has a module here and a section of the page."""
