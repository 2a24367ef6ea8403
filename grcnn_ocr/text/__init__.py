"""Characters and words: charsets, word lists, language models. No torch here."""
