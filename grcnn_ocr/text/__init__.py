"""Characters and words: charsets and lexicons. No torch here."""
