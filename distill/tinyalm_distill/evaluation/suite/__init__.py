"""The data sets that audio-language models are compared on, where they are on disk."""
