"""Pages and API endpoints of annotators and reviewers: each reads the input, calls one service or asks one question, and answers."""
