"""The odd media of `tests/odd_media.py`: what each file is, how it is made, and what is right for it."""
