"""Arguments of public names: closed sets of words, kinds and numbers, checked where they enter."""
