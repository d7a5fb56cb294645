"""The directory: who is who and where their mail goes, in a logged database of its own."""
