"""`autograder demo`: a small class hands in problem set 1, and everything that follows."""
