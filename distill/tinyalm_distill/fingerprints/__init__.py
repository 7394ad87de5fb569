"""Which recordings are the same, however they were encoded, resampled, trimmed or amplified."""
