"""One module per chat product. Each names its parsers in ``PARSERS``; nothing else knows them."""
