"""The worker: takes jobs from the queue, grades in the sandbox, and writes the course's gradebook.

It shares the database and the blob store with the service, and nothing else; it needs the course's folder,
which the service does not.
"""
