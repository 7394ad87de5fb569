"""Large audio-language models as teachers: what they say of sounds, kept where it holds."""
