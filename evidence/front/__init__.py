"""What the surfaces share: who asks, words for codes, files in and out. Never a rule of evidence."""
