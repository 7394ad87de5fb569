"""int8 of the audio encoder: candidates, what they cost, and the search among them."""
