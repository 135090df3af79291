"""Wrong and right solutions of problem set 10, for the proof of its checks."""
MUTANTS = []
VARIANTS = []
