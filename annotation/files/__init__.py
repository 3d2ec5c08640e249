"""What lies on disk: the content-addressed storage, previews of clips, and the editor's own files."""
