"""What people read: receipts, feedback under a question, the class report, the terminal."""
