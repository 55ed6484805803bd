"""`make bench`: how fast, how large, how smooth; each number beside its goal. Not tests: nothing passes or fails."""
