"""`python -m dreamvid` is `dreamvid`."""

from dreamvid.cli import main

if __name__ == "__main__":
    main()
