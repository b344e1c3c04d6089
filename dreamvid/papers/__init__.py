"""The figures of five texts on deep dreams, made again: each claim with a number that tests it, on any net."""
