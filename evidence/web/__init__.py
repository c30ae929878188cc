"""The pages for people who store conversations and ask for bundles."""
