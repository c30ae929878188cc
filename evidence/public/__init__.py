"""The verification page: anyone, any file, nothing kept."""
